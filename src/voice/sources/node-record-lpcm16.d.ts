declare module 'node-record-lpcm16' {
  import { type ChildProcess } from 'node:child_process';

  export interface RecordOptions {
    sampleRate: number;
    channels: number;
    /** `wav` is the default, and stops after 2 GiB. */
    audioType: 'raw' | 'wav';
    recorder: 'arecord' | 'rec' | 'sox';
    /** Not heeded by `rec`. */
    device?: string;
  }

  /** Starts the recorder at once. */
  export function record(options: RecordOptions): { readonly process: ChildProcess };
}
