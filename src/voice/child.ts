import { messageOf, UsherError } from '../errors';
import type { VoiceEvent } from '../events';
import { serveParent } from '../system/child-service';
import { monotonicMs } from '../system/clock';
import { superviseSource } from '../system/source-supervisor';
import { SoundCaptures } from './capture/sound-captures';
import { type NearMiss, WordDetector } from './detector';
import { Hearing } from './hearing';
import type { VoiceJob } from './job';
import { WordModels } from './load';
import { voicePipeline } from './pipeline';
import { createMicrophoneSource } from './sources/create';
import { microphoneSupervision } from './supervision';

/**
 * The voice child of one microphone: capture, features, trigger words. It owns native inference, as a vision child does, and sound never
 * leaves it. It lives as long as its parent: a broken channel ends it.
 */
async function runVoice(
  job: VoiceJob,
  send: (event: VoiceEvent) => void,
  fail: (error: unknown) => void,
): Promise<() => void> {
  const { microphone } = job;
  const models = await WordModels.open(microphone.words, job);
  const words = models.listeners();
  send({
    kind: 'ready',
    microphone: microphone.id,
    at: Date.now(),
    words: words.map(({ word }) => word),
    models: models.running,
  });
  const log = { warn: (message: string) => process.stderr.write(`${message}\n`) };
  const source = createMicrophoneSource(microphone, log, () => process.stdin);
  const { type } = microphone.source;
  const hearing = new Hearing({
    stuckMs: microphone.stuckMs,
    paced: type !== 'file' && type !== 'stdin',
    monotonicMs,
  });
  const watched = hearing.watch(source);
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
  const subscription = voicePipeline({
    microphoneId: microphone.id,
    microphone: superviseSource(watched, microphoneSupervision(watched.name, microphone, monotonicMs)),
    hearing,
    detector: new WordDetector(words, nearMiss),
    captures,
  }).subscribe({
    next: send,
    error: fail,
  });
  return () => subscription.unsubscribe();
}

function failed(job: VoiceJob, error: unknown): VoiceEvent {
  return {
    kind: 'failed',
    microphone: job.microphone.id,
    at: Date.now(),
    code: error instanceof UsherError ? error.code : 'internal',
    message: messageOf(error),
    remedy: error instanceof UsherError ? (error.remedy ?? null) : null,
  };
}

serveParent({ run: runVoice, failed });
