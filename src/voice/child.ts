import { connect } from 'node:net';
import { messageOf } from '../errors';
import type { VoiceEvent } from '../events';
import { type ServedWork, serveParent } from '../system/child-service';
import { monotonicMs } from '../system/clock';
import { superviseSource } from '../sources/source-supervisor';
import { SoundCaptures } from './capture/sound-captures';
import type { NearMiss } from './wake-word/detector';
import { MicrophoneMonitor } from './microphone/microphone-monitor';
import type { VoiceJob, VoiceOrder } from './job';
import { voicePipeline } from './pipeline';
import { RunningWords } from './running-words';
import { createMicrophoneSource } from './sources/create';
import { RawInput } from './sources/raw-input';
import { microphoneSupervision } from './supervision';
import { SoundTap } from './sources/tap';

/**
 * The voice child of one microphone: capture, features, trigger words. It owns native inference, as a vision child does, and sound never
 * leaves it. It lives as long as its parent: a broken channel ends it.
 */
async function runVoice(
  job: VoiceJob,
  send: (event: VoiceEvent) => void,
  fail: (error: unknown) => void,
): Promise<ServedWork<VoiceOrder>> {
  const { microphone } = job;
  const log = { warn: (message: string) => process.stderr.write(`${message}\n`) };
  const { capture } = microphone;
  const captures =
    capture === null || job.captureDir === null
      ? null
      : new SoundCaptures(
          job.captureDir,
          { maxFiles: capture.maxFiles, maxBytes: capture.maxMb * 1e6 },
          Date.now,
          log.warn,
        );
  const nearMiss = captures === null ? null : (miss: NearMiss): void => captures.event({ kind: 'near-miss', ...miss });
  const tap = new SoundTap();
  const words = await RunningWords.open(job, tap, nearMiss);
  send(words.ready);
  const source =
    job.tap === undefined
      ? createMicrophoneSource(microphone, log, () => process.stdin)
      : new RawInput(connect(job.tap), 'the running model’s sound');
  const { type } = microphone.source;
  const monitor = new MicrophoneMonitor({
    stuckMs: microphone.stuckMs,
    paced: type !== 'file' && type !== 'stdin' && job.tap === undefined,
    monotonicMs,
  });
  const watched = monitor.watch(source);
  const subscription = voicePipeline({
    microphoneId: microphone.id,
    microphone: superviseSource(watched, microphoneSupervision(watched.name, microphone, monotonicMs)),
    monitor: monitor,
    detector: words,
    captures,
  }).subscribe({
    next: send,
    error: fail,
  });
  return {
    stop: () => {
      tap.open(null);
      subscription.unsubscribe();
    },
    obey: async (order) => {
      if (order.kind === 'tap') {
        tap.open(order.path);
        return;
      }
      const failure = await words.adopt(order.dirs).then(
        () => null,
        (error: unknown) => messageOf(error),
      );
      if (failure === null) send(words.ready);
      send({ kind: 'adoption', order: order.order, failure });
    },
  };
}

serveParent(runVoice);
