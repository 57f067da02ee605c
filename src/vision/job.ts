import type { CameraConfig } from '../config/schema/cameras';
import type { ExecutionOptions } from '../inference/model';
import type { StillEvent } from './stills/still-folder';
import type { PictureReference } from './watch/reference';

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
  /** What the camera saw when it was set up; null: no reference was taken. */
  readonly reference: PictureReference | null;
  /** Path of the tap of another child that has the camera: this one is a candidate on trial, and sees what that one sees. */
  readonly tap?: string | undefined;
}

/** The models of which every child has one. */
export type FaceModels = Pick<VisionJob['models'], 'detector' | 'encoder'>;

/** What a running child may be told after its job. */
export type VisionOrder =
  /** Show frames to whoever connects to this Unix socket, at most one in so many milliseconds. Null: to nobody any more. */
  | { readonly kind: 'tap'; readonly path: string | null; readonly minIntervalMs: number }
  /** Give the next frame to the process that paints, which listens at this Unix socket. */
  | { readonly kind: 'still'; readonly path: string; readonly event: StillEvent }
  /** Take other models over, between two frames; answered by an adoption, after a `ready` where it succeeds. */
  | { readonly kind: 'adopt'; readonly order: number; readonly models: VisionJob['models'] };

/** How often a child reports its camera's condition: also its sign of life. */
export const STATUS_EVERY_MS = 1000;
