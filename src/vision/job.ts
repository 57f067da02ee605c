import type { CameraConfig } from '../config/schema/cameras';
import type { ExecutionOptions } from '../inference/model';
import type { StillEvent } from './stills/still-folder';
import type { PictureReference } from './watch/reference';

/** Everything that a vision child gets at its start, so that it reads no configuration file and no environment. */
export interface VisionJob {
  readonly camera: CameraConfig;
  readonly modelsDir: string;
  readonly models: {
    readonly detector: string;
    readonly encoder: string;
    /** Null: not judged, because no door needs it or there is no model. */
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

/** Messages to a running child after its job. */
export type VisionOrder =
  /** Send frames to clients of this Unix socket, at most one in this many milliseconds. Null: stop sending. */
  | { readonly kind: 'tap'; readonly path: string | null; readonly minIntervalMs: number }
  /** Give the next frame to the process that paints, which listens at this Unix socket. */
  | { readonly kind: 'still'; readonly path: string; readonly event: StillEvent }
  /** Take other models over, between two frames; answered by an adoption, after a `ready` where it succeeds. */
  | { readonly kind: 'adopt'; readonly order: number; readonly models: VisionJob['models'] };

/** How often a child reports its camera's condition: also its sign of life. */
export const STATUS_EVERY_MS = 1000;
