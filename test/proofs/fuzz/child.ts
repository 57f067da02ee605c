/**
 * One target in a process of its own: node --expose-gc -r ./test/support/run-ts.cjs test/proofs/fuzz/child.ts TARGET SEED FROM FOR_MS AT_LEAST MARK
 *
 * Writes the ordinal of the input that is being fed into MARK before it is fed, so that whoever watches knows what killed or
 * stopped this process; every input follows from seed and ordinal alone.
 */
import { openSync, writeSync } from 'node:fs';
import { messageOf } from '../../../src/errors';
import { mutate } from './mutate';
import { Draws } from './random';
import { isProper, type Target } from './target';
import { TARGETS } from './targets';
import { BROKEN } from './targets/broken';

export interface Report {
  readonly inputs: number;
  /** Inputs that the parser took. */
  readonly taken: number;
  /** Memory held after a collection: after the warm-up, and at the end. */
  readonly heldMiB: readonly [number, number];
  /** First input whose error nobody can act on. */
  readonly improper: { readonly ordinal: number; readonly input: string; readonly error: string } | null;
}

/** Not counted: compiling, filling of caches. */
const WARM_UP = 0.3;

async function main(): Promise<void> {
  const [name = '', seed = '', from = '', forMs = '', atLeast = '', markFile = ''] = process.argv.slice(2);
  const target = [...TARGETS, ...BROKEN].map((make) => make()).find((each) => each.name === name);
  if (target === undefined) throw new Error(`no target ${name}`);
  const seeds = await target.seeds();
  const descriptor = openSync(markFile, 'w');
  const marker = new Float64Array(1);
  const markerBytes = new Uint8Array(marker.buffer);
  const mark = (ordinal: number): void => {
    marker[0] = ordinal;
    writeSync(descriptor, markerBytes, 0, 8, 0);
  };

  const begun = performance.now();
  const until = begun + Number(forMs);
  let held: number | null = null;
  let taken = 0;
  let inputs = 0;
  let improper: Report['improper'] = null;
  for (
    let ordinal = Number(from);
    improper === null && (performance.now() < until || inputs < Number(atLeast));
    ordinal++
  ) {
    // Making the input is our own work, and may take longer than the parser may.
    mark(NaN);
    const { was, error } = await feedOne(target, mutate(seeds, target.form, new Draws(Number(seed), ordinal)), () =>
      mark(ordinal),
    );
    inputs++;
    if (was === 'taken') taken++;
    if (was === 'improper') improper = { ordinal, ...error };
    if (held === null && performance.now() > begun + Number(forMs) * WARM_UP) held = await heldMiB();
    // Others of this process (a callback of a native library) must have their turn.
    if (ordinal % 64 === 0) await new Promise(setImmediate);
  }
  mark(NaN);
  const last = await heldMiB();
  const report: Report = { inputs, taken, heldMiB: [held ?? last, last], improper };
  process.stdout.write(`${JSON.stringify(report)}\n`, () => process.exit(0));
}

type Fed =
  | { readonly was: 'taken' | 'refused'; readonly error?: undefined }
  | { readonly was: 'improper'; readonly error: { readonly input: string; readonly error: string } };

/** In a function of its own: the frame of a waiting one holds on to what it had in hand last, which would count as held. */
async function feedOne(target: Target, input: Buffer, begin: () => void): Promise<Fed> {
  begin();
  try {
    await target.feed(Buffer.from(input));
    return { was: 'taken' };
  } catch (error) {
    if (isProper(target, error)) return { was: 'refused' };
    const told = error instanceof Error ? (error.stack ?? error.message) : messageOf(error);
    return { was: 'improper', error: { input: input.subarray(0, 2000).toString('base64'), error: told } };
  }
}

/** After a turn of the event loop, so that what waits to be let go is. */
async function heldMiB(): Promise<number> {
  for (let turn = 0; turn < 3; turn++) {
    await new Promise(setImmediate);
    globalThis.gc?.();
  }
  const { heapUsed, external } = process.memoryUsage();
  return (heapUsed + external) / 2 ** 20;
}

void main();
