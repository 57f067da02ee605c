import { concatMap, from, map, merge, type Observable, timer } from 'rxjs';
import type { Activation, MicrophoneStatus } from '../events';
import type { SourceHealth, Supervised } from '../sources/source-supervisor';
import type { SoundCaptures } from './capture/sound-captures';
import type { WordDetector } from './wake-word/detector';
import type { MicrophoneMonitor } from './microphone/microphone-monitor';
import { STATUS_EVERY_MS } from './job';
import { type LentSound, SOUND_RATE_HZ } from './sources/sound';

export interface VoicePipelineParts {
  readonly microphoneId: string;
  readonly microphone: Supervised<LentSound>;
  readonly monitor: Pick<MicrophoneMonitor, 'report'>;
  readonly detector: Pick<WordDetector, 'push' | 'reset' | 'attentive'>;
  /** Null keeps nothing. */
  readonly captures: Pick<SoundCaptures, 'push' | 'event' | 'reset'> | null;
}

/**
 * Sound becomes activations, every piece in its turn; statuses come with every change and once a second, for a microphone that has ended
 * too. Never completes; fails when the networks do.
 */
export function voicePipeline(parts: VoicePipelineParts): Observable<Activation | MicrophoneStatus> {
  const { microphoneId, microphone, monitor: hearing, detector, captures } = parts;
  let lastScoredAt: number | null = null;

  const listen = async (sound: LentSound): Promise<Activation[]> => {
    const found: Activation[] = [];
    try {
      if (sound.gap) {
        detector.reset();
        captures?.reset();
      }
      captures?.push(sound.samples, sound.length);
      await detector.push(sound.samples, sound.length, ({ word, model, score, startAgo, endAgo }) => {
        const ago = (samples: number): number => Math.round(sound.at - (samples * 1000) / SOUND_RATE_HZ);
        captures?.event({ kind: 'activated', model, score });
        found.push({
          kind: 'activation',
          microphone: microphoneId,
          word,
          model,
          score,
          startAt: ago(startAgo),
          endAt: ago(endAgo),
          at: sound.at,
        });
      });
      lastScoredAt = Date.now();
    } finally {
      sound.release(detector.attentive);
    }
    return found;
  };

  const statusOf = (health: SourceHealth): MicrophoneStatus => ({
    kind: 'microphone',
    microphone: microphoneId,
    at: Date.now(),
    ...soundStatus(hearing.report(), health),
    lastScoredAt,
  });

  // The source waits for pieces to come back, so that what queues here is bounded.
  const activations = microphone.items.pipe(
    concatMap((sound) => from(listen(sound)).pipe(concatMap((found) => found))),
  );
  const changes = microphone.status.pipe(map(statusOf));
  const periodic = timer(STATUS_EVERY_MS, STATUS_EVERY_MS).pipe(map(() => statusOf(microphone.health())));
  return merge(activations, changes, periodic);
}

/** What the monitor and the supervisor of the microphone say of it, in one. */
function soundStatus(
  { level, stuck, trouble, samples, gaps, overruns }: ReturnType<MicrophoneMonitor['report']>,
  { state, detail, restarts, lastAt }: SourceHealth,
): Omit<MicrophoneStatus, 'kind' | 'microphone' | 'at' | 'lastScoredAt'> {
  return {
    state,
    detail,
    hearing: state === 'live' && !stuck,
    trouble,
    rmsDbfs: level?.rmsDbfs ?? null,
    peakDbfs: level?.peakDbfs ?? null,
    samples,
    gaps,
    overruns,
    restarts,
    lastSoundAt: lastAt,
  };
}
