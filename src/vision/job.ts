import type { CameraConfig } from '../config/schema';
import type { ExecutionOptions } from '../inference/model';

/** What a vision child is told at its start: everything, so that it reads no file of configuration and no environment. */
export interface VisionJob {
  readonly camera: CameraConfig;
  readonly modelsDir: string;
  readonly models: {
    readonly detector: string;
    readonly encoder: string;
    /** Null: not judged; no door asks for it, or there is no model. */
    readonly liveness: string | null;
    readonly scene: string | null;
  };
  readonly execution: ExecutionOptions;
  readonly mirror: boolean | undefined;
  /** No face for so long ends a track. */
  readonly absentMs: number;
}

/** How often a child reports its camera's condition: also its sign of life. */
export const STATUS_EVERY_MS = 1000;
