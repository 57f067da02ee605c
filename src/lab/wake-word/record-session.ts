import { randomBytes } from 'node:crypto';
import { link, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { contentHash } from './sound/bank';
import { RATE_HZ } from './sound/rate';
import { judgeTake, type TakeKind, type TakeReport } from './sound/take';
import { messageOf, systemCode, UsherError } from '../../errors';
import type { LentSound, MicrophoneSource } from '../../voice/sources/sound';
import { encodeWav } from '../../voice/capture/wav-file';

export interface RecordingPlan {
  readonly kind: TakeKind;
  /** The files' names begin with it. */
  readonly name: string;
  readonly folder: string;
  /** Good takes wanted. */
  readonly count: number;
  /** Of one take. */
  readonly seconds: number;
  /** Heard and forgotten before each take: time to read what was said of the last one and to fall silent. */
  readonly pauseSeconds: number;
  /** Bad takes in a row after which it ends. */
  readonly patience: number;
}

export interface RecordingUi {
  /** As each take begins: what is said from here on is in it. */
  prompt(): void;
  /** Peak of each piece of sound, 0 to 1, while a take runs. */
  level(peak: number): void;
  verdict(report: TakeReport, file: string | null): void;
}

export interface RecordingOutcome {
  readonly files: readonly string[];
  readonly refused: number;
  readonly ended: 'complete' | 'source-ended' | 'gave-up' | 'stopped';
}

/** What is left at the end of a recording is a take where it is as long as a short word. In seconds. */
const SHORTEST_REST_S = 0.5;
/**
 * In a recording of the word a take ends this long after its word. A take whose end would cut a word off starts again this long before
 * that word. In seconds.
 */
const TAIL_S = 0.5;
const LEAD_S = 0.3;
/** How often it is looked whether the word is over. In samples. */
const LOOK_EVERY = RATE_HZ / 10;

/**
 * Records takes from a source, one after the other, judges each and keeps the good ones as `<name>-<content hash>.wav`. A microphone's
 * take with a gap in it begins again; of a recording, or of each in a folder, the rest is a take too. What was kept stays, however it ends.
 * @throws UsherError of the source, or `file-unreadable` when a take cannot be written
 */
export async function recordTakes(
  source: MicrophoneSource,
  plan: RecordingPlan,
  ui: RecordingUi,
  signal: AbortSignal,
): Promise<RecordingOutcome> {
  await mkdir(plan.folder, { recursive: true }).catch((error: unknown) => fail(plan.folder, error));
  const files = new Set<string>();
  let refused = 0;
  let badInARow = 0;
  let ended: RecordingOutcome['ended'] | null = null;
  for await (const take of takes(source, plan, ui, signal)) {
    const report = judgeTake(plan.kind, take);
    const file = report.problems.length === 0 ? await keep(plan, take) : null;
    ui.verdict(report, file);
    if (file === null) {
      refused++;
      badInARow++;
    } else {
      files.add(file);
      badInARow = 0;
    }
    if (files.size >= plan.count) ended = 'complete';
    else if (badInARow >= plan.patience) ended = 'gave-up';
    if (ended !== null) break;
  }
  return { files: [...files], refused, ended: ended ?? (signal.aborted ? 'stopped' : 'source-ended') };
}

/** The sound of a source cut into takes; each is the caller's own. Ends with the source, or when stopped. */
async function* takes(
  source: MicrophoneSource,
  { kind, seconds, pauseSeconds }: RecordingPlan,
  ui: RecordingUi,
  signal: AbortSignal,
): AsyncGenerator<Int16Array> {
  const length = Math.round(seconds * RATE_HZ);
  const pause = Math.round(pauseSeconds * RATE_HZ);
  const take = new Int16Array(length);
  let filled = -pause;
  /** A recording has no prompts, so its words do not keep to the takes. */
  const recorded = !source.live && pause === 0;
  /** Of this recording there was no take yet. */
  let first = true;
  const hasRest = (): boolean => recorded && filled > (first ? 0 : SHORTEST_REST_S * RATE_HZ);
  for await (const sound of pieces(source, signal)) {
    try {
      if (sound.gap && filled > 0) {
        // Another recording of the folder; of a microphone a lost piece, which would be a click in the middle of a word.
        if (hasRest()) yield take.slice(0, filled);
        filled = 0;
        first = true;
      }
      let peak = 0;
      for (let i = 0; i < sound.length; i++) {
        const value = sound.samples[i] as number;
        peak = Math.max(peak, Math.abs(value));
        if (filled === 0) ui.prompt();
        if (filled >= 0) take[filled] = Math.max(-32_768, Math.min(32_767, Math.round(value * 32_768)));
        filled++;
        const atWords = recorded && kind === 'word';
        if (filled < length && !(atWords && filled % LOOK_EVERY === 0 && holdsWord(take.subarray(0, filled)))) continue;
        const cut = atWords ? beforeCutWord(take.subarray(0, filled)) : 0;
        if (cut > 0) {
          take.copyWithin(0, cut);
          filled -= cut;
          continue;
        }
        yield take.slice(0, filled);
        first = false;
        filled = -pause;
      }
      ui.level(peak);
    } finally {
      sound.release();
    }
  }
  if (hasRest() && !signal.aborted) yield take.slice(0, filled);
}

/** Whether a word is in it and is over. */
function holdsWord(take: Int16Array): boolean {
  const { word } = judgeTake('word', take);
  return word !== null && word.end <= take.length - TAIL_S * RATE_HZ;
}

/** Where a take has to begin that holds the word that the end of this one cuts off; 0 where there is none, or nothing is won. */
function beforeCutWord(take: Int16Array): number {
  const { word, problems } = judgeTake('word', take);
  const isLate = word !== null && word.start > 2 * LEAD_S * RATE_HZ;
  return isLate && problems.includes('cut-off') ? word.start - LEAD_S * RATE_HZ : 0;
}

/** An observable of lent sound as an iteration. What waits is bounded by the source, which waits for its pieces to come back. */
async function* pieces(source: MicrophoneSource, signal: AbortSignal): AsyncGenerator<LentSound> {
  const waiting: LentSound[] = [];
  let ended = signal.aborted;
  let fault: { readonly error: unknown } | null = null;
  let wake: () => void = () => undefined;
  const stop = (): void => {
    ended = true;
    wake();
  };
  signal.addEventListener('abort', stop);
  const subscription = source.open().subscribe({
    next: (sound) => {
      waiting.push(sound);
      wake();
    },
    error: (error: unknown) => {
      fault = { error };
      stop();
    },
    complete: stop,
  });
  try {
    for (;;) {
      const next = waiting.shift();
      if (next !== undefined) {
        if (!signal.aborted) yield next;
        else next.release();
        continue;
      }
      const failure = fault as { readonly error: unknown } | null;
      if (failure !== null) throw failure.error;
      if (ended) return;
      await new Promise<void>((resolve) => (wake = resolve));
    }
  } finally {
    subscription.unsubscribe();
    signal.removeEventListener('abort', stop);
    waiting.forEach((sound) => sound.release());
  }
}

/** Whole or not at all; the same sound twice is one file. */
async function keep({ name, folder }: RecordingPlan, take: Int16Array): Promise<string> {
  const file = join(folder, `${name}-${contentHash(take).slice(0, 16)}.wav`);
  const draft = join(folder, `.${randomBytes(6).toString('hex')}.part`);
  try {
    await writeFile(draft, encodeWav(take));
    await link(draft, file).catch((error: unknown) => {
      if (systemCode(error) !== 'EEXIST') throw error;
    });
  } catch (error) {
    return fail(file, error);
  } finally {
    await rm(draft, { force: true });
  }
  return file;
}

function fail(path: string, error: unknown): never {
  throw new UsherError('file-unreadable', `${path} cannot be written: ${messageOf(error)}`, {
    remedy: 'Name a folder with room that this user may write to.',
    cause: error,
  });
}
