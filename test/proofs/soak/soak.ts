import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MicrophoneConfig } from '../../../src/config/schema/microphones';
import { MeasuredVoice } from '../../../src/lab/bench/voice/process';
import { TONE_HZ, writeToneBundle } from '../../support/beep-bundle';
import { mixed, noise, shorts, tone, wav } from '../../support/sound';

export interface SoakResult {
  readonly hours: number;
  /** Words in the recording, and words heard. */
  readonly said: number;
  readonly heard: number;
  /** Resident memory and file handles of the voice process after the first tenth and at the end. */
  readonly memoryMb: readonly [number, number];
  readonly handles: readonly [number, number];
  readonly gaps: number;
  readonly overruns: number;
}

/** A minute of room noise with a word in it. */
const MINUTE_S = 60;
const WORD_AT_S = 30;

/**
 * Plays hours of sound at full speed through the real path (ffmpeg, pipe, assembler, features, network, trigger, in a voice process of its
 * own) and counts what it hears. ffmpeg repeats a recording of one minute: the stream of samples is as long as asked for, at 24 hours 5.5 GB
 * without a seam.
 */
export async function soak(hours: number, onProgress: (share: number) => void = () => undefined): Promise<SoakResult> {
  const dir = mkdtempSync(join(tmpdir(), 'usher-soak-'));
  const minutes = Math.round(hours * 60);
  const recording = join(dir, 'minute.wav');
  const minute = mixed(noise(MINUTE_S, 0.01), tone(0.4, TONE_HZ.beep, 0.3), WORD_AT_S);
  writeFileSync(recording, wav(shorts(minute)));
  await writeToneBundle(dir, 'beep');
  const microphone = MicrophoneConfig.parse({
    ...{ id: 'soak', words: [{ model: 'wake-beep' }], stallMs: 60_000, startMs: 60_000 },
    source: { type: 'file', path: recording, loop: true, realtime: false },
  });
  const voice = new MeasuredVoice(microphone, dir);
  const samples = minutes * MINUTE_S * 16_000;
  const wait = (share: number): Promise<unknown> =>
    voice.until((status) => {
      onProgress(Math.min(1, status.samples / samples));
      return status.samples >= share * samples;
    }, 6 * 3_600_000);
  try {
    await voice.start();
    await wait(0.1);
    const early = { memory: memoryMbOf(voice.pid), handles: handlesOf(voice.pid) };
    await wait(1);
    const status = voice.status;
    if (status === null) throw new Error('it said nothing');
    return {
      hours: status.samples / 16_000 / 3600,
      said: Math.floor((status.samples / 16_000 - WORD_AT_S) / MINUTE_S) + 1,
      heard: voice.activations,
      memoryMb: [early.memory, memoryMbOf(voice.pid)],
      handles: [early.handles, handlesOf(voice.pid)],
      gaps: status.gaps,
      overruns: status.overruns,
    };
  } finally {
    await voice.stop();
    rmSync(dir, { recursive: true });
  }
}

function memoryMbOf(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
}

function handlesOf(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}
