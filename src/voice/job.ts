import type { MicrophoneConfig } from '../config/schema/microphones';
import type { ExecutionOptions } from '../inference/model';

/** What a voice child is told at its start: everything, so that it reads no file of configuration and no environment. */
export interface VoiceJob {
  readonly microphone: MicrophoneConfig;
  readonly modelsDir: string;
  /** Folders of bundles that lie elsewhere than under `modelsDir`, by name: releases have brought them. */
  readonly dirs?: Readonly<Record<string, string>>;
  readonly execution: ExecutionOptions;
  /** Folder for what was heard, where the microphone's configuration asks for it; null keeps nothing. */
  readonly captureDir: string | null;
  /** Of a candidate's child: where it hears along with the child that has the microphone. */
  readonly tap?: string;
}

/** What the running child is asked after its job. */
export type VoiceOrder =
  /** Lets a candidate's child hear along; null: no longer. */
  | { readonly kind: 'tap'; readonly path: string | null }
  /** Other bundles; answered by an `adoption` of the same order. */
  | { readonly kind: 'adopt'; readonly order: number; readonly dirs: Readonly<Record<string, string>> };

/** How often a child reports its microphone's condition: also its sign of life. */
export const STATUS_EVERY_MS = 1000;
