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
  const captures = capturesOf(job);
  const tap = new SoundTap();
  const words = await RunningWords.open(job, tap, nearMissesInto(captures));
  send(words.ready);
  const subscription = listen(job, words, captures).subscribe({ next: send, error: fail });
  return {
    stop: () => {
      tap.open(null);
      subscription.unsubscribe();
    },
    obey: async (order) => {
      switch (order.kind) {
        case 'tap':
          tap.open(order.path);
          return;
        case 'adopt':
          await adopt(order, words, send);
          return;
      }
    },
  };
}

const log = { warn: (message: string): void => void process.stderr.write(`${message}\n`) };

/** Null: nothing that was heard is kept. */
function capturesOf({ microphone: { capture }, captureDir }: VoiceJob): SoundCaptures | null {
  if (capture === null || captureDir === null) return null;
  const limits = { maxFiles: capture.maxFiles, maxBytes: capture.maxMb * 1e6 };
  return new SoundCaptures(captureDir, limits, Date.now, log.warn);
}

function nearMissesInto(captures: SoundCaptures | null): ((miss: NearMiss) => void) | null {
  return captures === null ? null : (miss) => captures.event({ kind: 'near-miss', ...miss });
}

function listen(job: VoiceJob, words: RunningWords, captures: SoundCaptures | null) {
  const { microphone } = job;
  const { type } = microphone.source;
  const monitor = new MicrophoneMonitor({
    stuckMs: microphone.stuckMs,
    paced: type !== 'file' && type !== 'stdin' && job.tap === undefined,
    monotonicMs,
  });
  const watched = monitor.watch(sourceOf(job));
  return voicePipeline({
    microphoneId: microphone.id,
    microphone: superviseSource(watched, microphoneSupervision(watched.name, microphone, monotonicMs)),
    monitor,
    detector: words,
    captures,
  });
}

function sourceOf({ microphone, tap }: VoiceJob) {
  return tap === undefined
    ? createMicrophoneSource(microphone, log, () => process.stdin)
    : new RawInput(connect(tap), 'the running model’s sound');
}

async function adopt(
  { order, dirs }: Extract<VoiceOrder, { kind: 'adopt' }>,
  words: RunningWords,
  send: (event: VoiceEvent) => void,
): Promise<void> {
  try {
    await words.adopt(dirs);
    send(words.ready);
    send({ kind: 'adoption', order, failure: null });
  } catch (error) {
    send({ kind: 'adoption', order, failure: messageOf(error) });
  }
}

serveParent(runVoice);
