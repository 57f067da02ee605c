import type { MicrophoneConfig } from '../config/microphones';
import type { ExecutionOptions } from '../inference/model';

/** What a voice child is told at its start: everything, so that it reads no file of configuration and no environment. */
export interface VoiceJob {
  readonly microphone: MicrophoneConfig;
  readonly modelsDir: string;
  readonly execution: ExecutionOptions;
  /** Folder for what was heard, where the microphone's configuration asks for it; null keeps nothing. */
  readonly captureDir: string | null;
}

/** How often a child reports its microphone's condition: also its sign of life. */
export const STATUS_EVERY_MS = 1000;
