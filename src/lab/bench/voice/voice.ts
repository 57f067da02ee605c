import type { WordDetector } from '../../../voice/wake-word/detector';
import { atLeast, atMost, type Figure, withGoal } from '../../report/figure';
import { median } from '../../../quantile';
import { type OpenWakeWordFeatures, STRIDE_SAMPLES } from './openwakeword';

/** Time of both for one piece of 80 ms, in microseconds. */
export interface VoiceSample {
  readonly ours: number;
  readonly theirs: number;
}

/** Runs both on the same pieces alternately, so that other load affects both alike. */
export async function compareVoice(
  sound: Float32Array,
  detector: Pick<WordDetector, 'push' | 'reset'>,
  reference: Pick<OpenWakeWordFeatures, 'push'>,
  { warmUp = 25, onProgress }: { warmUp?: number; onProgress?: (share: number) => void } = {},
): Promise<VoiceSample[]> {
  const samples: VoiceSample[] = [];
  const pieces = Math.floor(sound.length / STRIDE_SAMPLES);
  detector.reset();
  for (let i = 0; i < pieces; i++) {
    const piece = sound.slice(i * STRIDE_SAMPLES, (i + 1) * STRIDE_SAMPLES);
    const timed = async (work: () => Promise<unknown>): Promise<number> => {
      const startedAt = performance.now();
      await work();
      return (performance.now() - startedAt) * 1000;
    };
    const us = (): Promise<number> => timed(() => detector.push(piece, piece.length, () => undefined));
    const them = (): Promise<number> => timed(() => reference.push(piece));
    const [first, second] = i % 2 === 0 ? [await us(), await them()] : [await them(), await us()];
    const sample = i % 2 === 0 ? { ours: first, theirs: second } : { ours: second, theirs: first };
    if (i >= warmUp) samples.push(sample);
    onProgress?.((i + 1) / pieces);
  }
  return samples;
}

export interface CpuUse {
  readonly cpuMs: number;
  readonly elapsedMs: number;
}

export interface VoiceLatency {
  /** For each detected word, ms from its end to the end of the piece in which it was reported. */
  readonly ms: readonly number[];
  readonly clips: number;
}

export function voiceFigures(
  samples: readonly VoiceSample[] | null,
  use: CpuUse,
  latency: VoiceLatency | null,
): Figure[] {
  const cpu = withGoal(
    {
      name: 'voice.cpu_share',
      value: use.cpuMs / use.elapsedMs,
      unit: 'ratio',
      note: `of one core, the whole voice process over ${(use.elapsedMs / 1000).toFixed(0)} s of real time`,
    },
    atMost(0.005),
  );
  const none = 'needs openWakeWord’s two networks: --models-mirror DIR';
  const ours = samples === null ? null : median(samples.map((sample) => sample.ours));
  const theirs = samples === null ? null : median(samples.map((sample) => sample.theirs));
  const ratio = samples === null ? null : median(samples.map((sample) => sample.theirs / sample.ours));
  return [
    cpu,
    withGoal(
      {
        name: 'voice.ratio_vs_openwakeword',
        value: ratio,
        unit: 'x',
        note: samples === null ? none : `${samples.length} pieces of 80 ms`,
      },
      atLeast(6),
    ),
    { name: 'voice.us_per_80ms', value: ours, unit: 'µs' },
    { name: 'voice.us_per_80ms.openwakeword', value: theirs, unit: 'µs' },
    ...latencyFigures(latency),
  ];
}

function latencyFigures(latency: VoiceLatency | null): Figure[] {
  const sorted = [...(latency?.ms ?? [])].sort((a, b) => a - b);
  const at = (share: number): number | null =>
    sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? null;
  const note =
    latency === null
      ? 'needs clips of the word: --positives DIR'
      : `${sorted.length} of ${latency.clips} clips; the word’s end by loudness`;
  return [
    withGoal({ name: 'voice.latency_median_ms', value: at(0.5), unit: 'ms', note }, atMost(250)),
    withGoal({ name: 'voice.latency_p95_ms', value: at(0.95), unit: 'ms', note }, atMost(400)),
  ];
}
