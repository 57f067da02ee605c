import type { Random } from '../../../random';
import { bandPass } from './equalise';
import { RATE_HZ } from './rate';

const { exp, floor, PI, pow, sin, tanh } = Math;

/** Sounds that are made rather than recorded. `gym` is what a gymnasium is full of: machines, impacts, and music from a loudspeaker. */
export const GENERATED = ['white', 'coloured', 'music', 'gym', 'hum'] as const;
export type GeneratedKind = (typeof GENERATED)[number];

/** Fills `out` with one of them, at no particular level. The same random state, the same sound. */
export function generate(kind: GeneratedKind, out: Float32Array, random: Random): void {
  out.fill(0);
  switch (kind) {
    case 'white':
      for (let i = 0; i < out.length; i++) out[i] = random.normal();
      return;
    case 'coloured':
      coloured(out, random);
      return;
    case 'music':
      music(out, random);
      return;
    case 'gym':
      gym(out, random);
      return;
    case 'hum':
      hum(out, random);
  }
}

/** Noise that falls by 0 to 6 dB an octave, its level wandering slowly as wind and traffic do. */
function coloured(out: Float32Array, random: Random): void {
  const pole = random.between(0.2, 0.995);
  const swing = random.between(0, 0.7);
  const swingHz = random.between(0.1, 2);
  const phase = random.between(0, 2 * PI);
  let last = 0;
  for (let i = 0; i < out.length; i++) {
    last = pole * last + random.normal();
    out[i] = last * (1 + swing * sin(phase + (2 * PI * swingHz * i) / RATE_HZ));
  }
}

const SCALE = [0, 2, 4, 5, 7, 9, 11, 12, 14, 16];

/** Chords, a melody, a bass and drums in a tempo by chance: plucked and held notes with harmonics, at times overdriven. */
function music(out: Float32Array, random: Random): void {
  const beat = floor((60 / random.between(70, 160)) * RATE_HZ);
  const root = 110 * pow(2, random.below(12) / 12);
  const brightness = random.between(0.3, 0.8);
  const decay = random.between(1, 8);
  const drums = random.next() < 0.7 ? random.between(0.3, 1.5) : 0;
  for (let at = -random.below(beat), count = 0; at < out.length; at += beat / 2, count++) {
    const degree = SCALE[random.below(SCALE.length)] as number;
    if (random.next() < 0.75)
      note(out, at, root * 2 * pow(2, degree / 12), beat * random.between(0.4, 2), brightness, decay, 0.5);
    if (count % 4 === 0) {
      const base = SCALE[random.below(5)] as number;
      for (const step of [0, 4, 7])
        note(out, at, root * pow(2, (base + step) / 12), beat * 2, brightness, decay / 3, 0.3);
      note(out, at, (root / 2) * pow(2, base / 12), beat * 2, 0.3, decay / 3, 0.6);
    }
    if (drums > 0) drum(out, at, count % 4 === 0 ? 'low' : count % 4 === 2 ? 'mid' : 'high', drums, random);
  }
  if (random.next() < 0.3) for (let i = 0; i < out.length; i++) out[i] = tanh(2 * (out[i] as number));
}

function note(
  out: Float32Array,
  at: number,
  hz: number,
  length: number,
  brightness: number,
  decay: number,
  gain: number,
): void {
  const start = Math.max(0, floor(at));
  const stop = Math.min(out.length, floor(at + length));
  for (let harmonic = 1; harmonic <= 6 && hz * harmonic < RATE_HZ / 2.2; harmonic++) {
    const level = gain * pow(brightness, harmonic - 1);
    // A sine by recurrence costs a multiplication a sample.
    const step = (2 * PI * hz * harmonic) / RATE_HZ;
    const turn = 2 * Math.cos(step);
    let previous = -sin(step);
    let current = 0;
    let envelope = level;
    const fade = exp((-decay * harmonic ** 0.5) / RATE_HZ);
    for (let i = start; i < stop; i++) {
      out[i] = (out[i] as number) + envelope * current;
      const next = turn * current - previous;
      previous = current;
      current = next;
      envelope *= fade;
    }
  }
}

function drum(out: Float32Array, at: number, kind: 'low' | 'mid' | 'high', gain: number, random: Random): void {
  const [hz, noise, seconds] = kind === 'low' ? [55, 0.1, 0.25] : kind === 'mid' ? [180, 0.8, 0.15] : [0, 0.4, 0.05];
  hit(out, floor(at), hz, noise, seconds, gain, random);
}

/** A struck thing: a falling tone and a burst of noise. */
function hit(
  out: Float32Array,
  at: number,
  hz: number,
  noise: number,
  seconds: number,
  gain: number,
  random: Random,
): void {
  const stop = Math.min(out.length, at + floor(seconds * 3 * RATE_HZ));
  const fade = exp(-1 / (seconds * RATE_HZ * 0.5));
  let envelope = gain;
  let phase = 0;
  for (let i = at; i < stop; i++, envelope *= fade) {
    phase += (2 * PI * hz * (0.6 + 0.4 * (envelope / gain))) / RATE_HZ;
    if (i >= 0) out[i] = (out[i] as number) + envelope * (sin(phase) + noise * random.normal());
  }
}

/** Weights that fall, plates that clank, a treadmill's belt and steps, a rower's whir; half the time with music behind. */
function gym(out: Float32Array, random: Random): void {
  if (random.next() < 0.5) {
    music(out, random);
    bandPass(out, 120, 5000);
  }
  const whirHz = random.between(40, 400);
  const period = floor(random.between(0.3, 1.2) * RATE_HZ);
  const whir = random.between(0, 0.4);
  const rush = random.between(0, 0.3);
  let smooth = 0;
  for (let i = 0; i < out.length; i++) {
    const stroke = 0.5 + 0.5 * sin((2 * PI * i) / period);
    smooth = 0.8 * smooth + 0.2 * random.normal();
    out[i] = (out[i] as number) + stroke * (whir * sin((2 * PI * whirHz * i) / RATE_HZ) + 3 * rush * smooth);
  }
  const steps = random.next() < 0.6 ? random.between(0.2, 0.8) : 0;
  if (steps > 0)
    for (let at = random.below(period); at < out.length; at += floor(period / 2))
      hit(out, at, 90, 0.5, 0.06, steps, random);
  const impacts = floor((out.length / RATE_HZ) * random.between(0, 1.2));
  for (let i = 0; i < impacts; i++) {
    const at = random.below(out.length);
    const gain = random.between(0.4, 3);
    if (random.next() < 0.5) hit(out, at, random.between(40, 120), 0.7, 0.2, gain, random);
    else for (const partial of [1, 2.76, 5.4]) clank(out, at, random.between(500, 900) * partial, gain / 3 / partial);
  }
}

/** Steel rings at the partials of a free bar (1 : 2.76 : 5.40). */
function clank(out: Float32Array, at: number, hz: number, gain: number): void {
  if (hz < RATE_HZ / 2.2) note(out, at, hz, RATE_HZ, 0, 6, gain);
}

/** Mains and motors: harmonics of 50 or 60 Hz or of a fan, under a little noise. */
function hum(out: Float32Array, random: Random): void {
  const base = random.next() < 0.5 ? 50 : random.next() < 0.5 ? 60 : random.between(20, 200);
  for (let harmonic = 1; harmonic <= 8; harmonic++)
    note(out, 0, base * harmonic, out.length, 0, 0, random.between(0, 1) / harmonic);
  for (let i = 0; i < out.length; i++) out[i] = (out[i] as number) + 0.05 * random.normal();
}
