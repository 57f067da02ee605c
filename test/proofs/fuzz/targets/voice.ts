import { readWav } from '../../../../src/lab/wake-word/speech/wav';
import { FeatureExtractor, HOP_SAMPLES, MEL_BANDS } from '../../../../src/voice/features/features';
import { LevelMeter } from '../../../../src/voice/microphone/level';
import { SampleAssembler, type SampleFormat } from '../../../../src/voice/sources/sample-assembler';
import { type LentSound, PIECE_SAMPLES } from '../../../../src/voice/sources/sound';
import { encodeEvent, WYOMING_LIMITS, type WyomingEvent, WyomingParser } from '../../../../src/voice/wyoming/framing';
import { WyomingSession } from '../../../../src/voice/wyoming/session';
import { noise, shorts, wav } from '../../../support/sound';
import type { Target } from '../target';

const SOUND = { rate: 16_000, width: 2, channels: 1 };

/** A whole conversation: frames, schemas, sound. */
const wyoming = (): Target => ({
  name: 'wyoming',
  form: 'bytes',
  seeds: () => [
    Buffer.concat([
      Buffer.from('{"type":"describe"}\n'),
      encodeEvent('detect', { names: ['wake-computer'] }),
      encodeEvent('audio-start', { ...SOUND, timestamp: 0 }),
      encodeEvent('audio-chunk', SOUND, shorts(noise(0.02, 0.5))),
      encodeEvent('audio-stop', {}),
    ]),
  ],
  feed: async (input) => {
    const deaf = { reset: () => undefined, push: () => Promise.resolve() };
    const session = new WyomingSession(
      deaf,
      [{ model: 'wake-computer', word: 'computer', version: '1', origin: '' }],
      '1',
    );
    const parser = new WyomingParser();
    const events: WyomingEvent[] = [];
    try {
      for (let at = 0; at < input.length; at += 13)
        parser.push(input.subarray(at, at + 13), (event) => events.push(event));
    } finally {
      for (const event of events) {
        if (event.payload.length > WYOMING_LIMITS.payloadBytes) throw new Error('a payload beyond its bound');
        await session.handle(event, () => undefined);
      }
    }
  },
});

/** Raw samples of any bytes at all: what comes out is sound, and features can be had of it. */
const samples = (format: SampleFormat) => (): Target => ({
  name: `sound-${format}`,
  form: 'bytes',
  seeds: () => [format === 's16le' ? shorts(noise(0.1, 0.9)) : Buffer.from(noise(0.1, 0.9).buffer)],
  feed: (input) => {
    const assembler = new SampleAssembler(format);
    const extractor = new FeatureExtractor();
    const meter = new LevelMeter();
    const features = new Float32Array((PIECE_SAMPLES / HOP_SAMPLES + 1) * MEL_BANDS);
    const take = (sound: LentSound): void => {
      if (sound.length > PIECE_SAMPLES) throw new Error('a piece beyond its bound');
      meter.add(sound.samples, sound.length, sound.invalid);
      extractor.push(sound.samples, features, sound.length);
      sound.release(sound.length % 2 === 0);
    };
    for (let at = 0; at < input.length; at += 601) assembler.push(input.subarray(at, at + 601), take);
    assembler.flush(take);
    assembler.faultAtEnd('the fuzzer');
    const peak = meter.take()?.peakDbfs ?? -200;
    if (!(peak <= 0)) throw new Error(`a peak of ${peak} dB of full scale`);
  },
});

const wavFile = (): Target => ({
  name: 'wav',
  form: 'bytes',
  seeds: () => [wav(shorts(noise(0.05, 0.5))), wav(shorts(noise(0.05, 0.5)), { channels: 2, dataBytes: 2 ** 31 })],
  feed: (input) => readWav(input),
});

export const VOICE = [wyoming, samples('s16le'), samples('f32le'), wavFile];
