import type { MicrophoneConfig } from '../config/schema/microphones';
import type { ExecutionOptions } from '../inference/model';

/** Everything that a voice child gets at its start, so that it reads no configuration file and no environment. */
export interface VoiceJob {
  readonly microphone: MicrophoneConfig;
  readonly modelsDir: string;
  /** Folders of bundles that lie elsewhere than under `modelsDir`, by name: releases have brought them. */
  readonly dirs?: Readonly<Record<string, string>>;
  readonly execution: ExecutionOptions;
  /** Folder for recordings, if the microphone's configuration enables them; null stores nothing. */
  readonly captureDir: string | null;
  /** For a candidate's child: address of the sound of the child that has the microphone. */
  readonly tap?: string;
}

/** What the running child is asked after its job. */
export type VoiceOrder =
  /** Sends copies of the sound to a candidate's child; null stops it. */
  | { readonly kind: 'tap'; readonly path: string | null }
  /** Other bundles; answered by an `adoption` of the same order. */
  | { readonly kind: 'adopt'; readonly order: number; readonly dirs: Readonly<Record<string, string>> };

/** How often a child reports its microphone's condition: also its sign of life. */
export const STATUS_EVERY_MS = 1000;
