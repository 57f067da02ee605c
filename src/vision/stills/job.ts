import type { ExecutionOptions } from '../../inference/model';
import type { FolderLimits } from '../../system/bounded-folder';

/** Everything that the painting process gets at its start. */
export interface StillsJob {
  readonly modelsDir: string;
  readonly models: { readonly detector: string; readonly encoder: string };
  readonly execution: ExecutionOptions;
  /** Unix socket at which it takes pictures. */
  readonly socket: string;
  readonly folder: string;
  readonly limits: FolderLimits;
  readonly sidePx: number;
  readonly steps: number;
}

export type StillsReport =
  | { readonly kind: 'ready' }
  /** Sign of life. */
  | { readonly kind: 'status' }
  /** The picture of this decision has come and waits to be painted. */
  | { readonly kind: 'received'; readonly decision: string }
  | {
      readonly kind: 'kept';
      readonly decision: string;
      readonly file: string;
      readonly sha256: string;
      readonly faces: number;
      /** Older ones that had to go for it. */
      readonly removed: number;
    }
  | { readonly kind: 'refused'; readonly decision: string; readonly why: string };

/** How often it says that it lives. */
export const STILLS_STATUS_MS = 2000;
/** Pictures that wait to be painted at most: each is a whole frame. */
export const STILLS_QUEUE = 4;
