import { type NamedBank, type Materials } from '../sound/materials';
import { RATE_HZ } from '../sound/rate';
import { generatedStream, negativeStreams, plainStream, type SoundStream } from '../sound/streams';
import { selectClips } from '../sound/bank';
import { streamSeed } from '../../../random';

/** Length of the streams without speech: enough to find a model that activates without cause. */
const QUIET_S = 900;
const GYM = /exercise|bike|gym|treadmill|rowing/i;

/**
 * Everything without the word: each corpus as it was recorded, and 20 dB softer and louder; the backgrounds as recorded, gym noise among them
 * by name; silence and white noise; then hours of speech mixed again with rooms, backgrounds and gains.
 */
export function wakeStreams(materials: Materials, hours: number, seed: number): SoundStream[] {
  const plain = materials.speech.flatMap(({ name, bank }) => [
    plainStream(name, bank),
    amplified(plainStream(`${name}-minus-20db`, bank), -20),
    amplified(plainStream(`${name}-plus-20db`, bank), 20),
  ]);
  const recorded = materials.noise.flatMap(byUse).map(({ name, bank }) => plainStream(name, bank));
  const mixed = hours > 0 ? negativeStreams(materials, hours, streamSeed(seed, 1)) : [];
  return [
    ...plain,
    ...recorded,
    silence(),
    generatedStream('white', QUIET_S, streamSeed(seed, 2)),
    ...mixed.map((stream) => ({ ...stream, name: `mixed-${stream.name}` })),
  ];
}

function byUse({ name, bank }: NamedBank): NamedBank[] {
  const gym = selectClips(bank, (i) => GYM.test(bank.names[i] ?? ''));
  const other = selectClips(bank, (i) => !GYM.test(bank.names[i] ?? ''));
  return [
    { name: 'gym-recorded', bank: gym },
    { name, bank: other },
  ].filter((one) => one.bank.names.length > 0);
}

/** A microphone's gain, with its clipping. */
function amplified(stream: SoundStream, db: number): SoundStream {
  const gain = 10 ** (db / 20);
  return {
    ...stream,
    *chunks() {
      for (const chunk of stream.chunks()) yield chunk.map((x) => Math.max(-1, Math.min(1, gain * x)));
    },
  };
}

function silence(): SoundStream {
  const chunk = new Float32Array(10 * RATE_HZ);
  return {
    name: 'silence',
    seconds: QUIET_S,
    *chunks() {
      for (let i = 0; i < QUIET_S / 10; i++) yield chunk;
    },
  };
}
