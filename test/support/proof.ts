import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { messageOf } from '../../src/errors';

/** What a long proof tried, and every fault that it found. */
export interface Verdict {
  readonly tried: number;
  readonly faults: readonly string[];
}

export interface Proof {
  /** Runs at the end, last registered first, also after an exception or a signal. */
  readonly onEnd: (cleanUp: () => unknown) => void;
  /** The folder for temporary files stays. Returns it. */
  readonly keepFolder: () => string;
}

/** 1: a fault was found. 2: nothing was proved, because nothing was tried or the proof itself failed. */
export const EXIT = { proved: 0, fault: 1, nothingProved: 2 } as const;

const SIGNALS = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;
/** A clean-up that hangs must not keep the proof alive. */
const CLEAN_UP_MS = 30_000;

/**
 * Runs a proof as a program of its own. Its exit code and its last line tell whether it proved anything: a proof that tried nothing
 * fails and says why. All temporary files of the proof and its children are in one folder, which is removed at the end.
 */
export async function prove(
  name: string,
  body: (proof: Proof) => Promise<Verdict>,
  { conclusionOn = process.stdout }: { readonly conclusionOn?: NodeJS.WriteStream } = {},
): Promise<void> {
  const cleanUps: (() => unknown)[] = [];
  const folder = mkdtempSync(join(tmpdir(), 'usher-proof-'));
  process.env['TMPDIR'] = folder;
  let keep = false;
  const cleanUp = async (): Promise<void> => {
    for (let next = cleanUps.pop(); next !== undefined; next = cleanUps.pop()) await bounded(name, next);
    if (!keep) rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  let ending = false;
  const end = async (code: number, line: string): Promise<void> => {
    if (ending) return;
    ending = true;
    await cleanUp();
    conclusionOn.write(`${name}: ${line}\n`);
    process.exit(code);
  };
  for (const [signal, code] of Object.entries(SIGNALS))
    process.once(signal, () => void end(code, `stopped by ${signal}, nothing proved`));
  const broke = (error: unknown): void => {
    if (error instanceof Error) process.stderr.write(`${error.stack ?? ''}\n`);
    void end(EXIT.nothingProved, `nothing proved: ${messageOf(error)}`);
  };
  process.once('uncaughtException', broke);
  process.once('unhandledRejection', broke);
  const proof: Proof = {
    onEnd: (next) => cleanUps.push(next),
    keepFolder: () => {
      keep = true;
      return folder;
    },
  };
  try {
    const { code, line } = conclusion(await body(proof));
    await end(code, line);
  } catch (error) {
    broke(error);
  }
}

/** What a verdict is worth. */
export function conclusion({ tried, faults }: Verdict): { readonly code: number; readonly line: string } {
  const some = faults.slice(0, 20).map((fault) => `\n  ${fault}`);
  if (faults.length > 0)
    return {
      code: EXIT.fault,
      line: `${faults.length} ${faults.length === 1 ? 'fault' : 'faults'} in ${tried} tries:${some.join('')}`,
    };
  if (!(tried > 0)) return { code: EXIT.nothingProved, line: 'nothing proved: nothing was tried' };
  return { code: EXIT.proved, line: `${tried} tries, no fault` };
}

/** A count from the command line. @throws Error for anything but a whole number above 0 */
export function countOf(text: string | undefined, fallback: number): number {
  const count = text === undefined ? fallback : Number(text);
  if (!Number.isSafeInteger(count) || count < 1)
    throw new Error(`a whole number above 0 is needed, not "${text ?? ''}"`);
  return count;
}

async function bounded(name: string, cleanUp: () => unknown): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<'late'>((resolve) => (timer = setTimeout(() => resolve('late'), CLEAN_UP_MS)));
  try {
    if ((await Promise.race([cleanUp(), late])) === 'late')
      process.stderr.write(`${name}: a clean-up took longer than ${CLEAN_UP_MS / 1000} s\n`);
  } catch (error) {
    process.stderr.write(`${name}: clean-up: ${messageOf(error)}\n`);
  } finally {
    clearTimeout(timer);
  }
}
