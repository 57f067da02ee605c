import type { WyomingConfig } from '../../config/schema/microphones';
import type { RunningModel } from '../../events';
import type { ExecutionOptions } from '../../inference/model';

export interface WyomingJob {
  readonly wyoming: WyomingConfig;
  readonly modelsDir: string;
  /** Folders of bundles that lie elsewhere, by name. */
  readonly dirs?: Readonly<Record<string, string>>;
  readonly execution: ExecutionOptions;
  readonly version: string;
}

export type WyomingReport =
  | { readonly kind: 'listening'; readonly port: number; readonly models: readonly RunningModel[] }
  | { readonly kind: 'status'; readonly at: number; readonly clients: number }
  | { readonly kind: 'refused'; readonly why: string };
