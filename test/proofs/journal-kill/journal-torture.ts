import { type ChildProcess, spawn } from 'node:child_process';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { Database } from '../../../src/store/database/database';
import { Journal } from '../../../src/store/journal/journal';
import { bodyOf } from '../../../src/store/journal/journal-reader';
import { ChainCheck } from '../../../src/store/journal/journal-chain';
import type { Heard } from '../../support/daemon';
import { leashed } from '../../support/leash';

const root = path.resolve(__dirname, '../../..');
const RUN_TS = path.join(root, 'test/support/run-ts.cjs');

/** One run of `journal-child.ts`. */
export class Run {
  readonly lines: string[] = [];
  errors = '';
  readonly ended: Promise<void>;
  private readonly process: ChildProcess;

  constructor(dataDir: string, url: string, count: number, pauseMs = 0) {
    this.process = spawn(
      ...leashed(process.execPath, [
        ...['-r', RUN_TS, path.join(__dirname, 'journal-child.ts')],
        ...[dataDir, url, String(count), String(pauseMs)],
      ]),
      { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] },
    );
    this.process.stderr?.on('data', (chunk: Buffer) => (this.errors += chunk.toString()));
    if (this.process.stdout !== null)
      createInterface({ input: this.process.stdout }).on('line', (line) => this.lines.push(line));
    this.ended = new Promise((resolve) => this.process.once('close', () => resolve()));
  }

  /** Resolves when it has said so much, or has ended. */
  async said(enough: (lines: readonly string[]) => boolean): Promise<boolean> {
    const alive = (): boolean => this.process.exitCode === null && this.process.signalCode === null;
    while (!enough(this.lines) && alive()) await new Promise((resolve) => setTimeout(resolve, 2));
    if (!enough(this.lines)) await this.ended;
    return enough(this.lines);
  }

  done(): Promise<boolean> {
    return this.said((lines) => lines.at(-1) === 'done');
  }

  kill(): Promise<void> {
    this.process.kill('SIGKILL');
    return this.ended;
  }
}

export interface Facts {
  readonly findings: readonly unknown[];
  readonly integrity: readonly unknown[];
  /** Event numbers of all recorded decisions, in the order of the chain; the ids of those that granted. */
  readonly recorded: readonly number[];
  readonly granted: ReadonlySet<string>;
  readonly head: { readonly seq: number; readonly hash: string };
  readonly waiting: number;
}

export function inspect(dataDir: string): Facts {
  const journal = Journal.open(dataDir);
  try {
    const check = new ChainCheck();
    const recorded: number[] = [];
    const granted = new Set<string>();
    for (const record of journal.records()) {
      check.next(record);
      if (record.kind !== 'decision') continue;
      const body = bodyOf(record);
      recorded.push(Number(body['seq']));
      if (body['outcome'] === 'granted') granted.add(String(body['decision']));
    }
    check.end();
    const database = Database.open(journal.file, { readonly: true, busyTimeoutMs: 1000, journal: 'wal' });
    const integrity = database.all('PRAGMA integrity_check').flatMap((row) => Object.values(row));
    database.close();
    return {
      findings: check.findings,
      integrity,
      recorded,
      granted,
      head: journal.head(),
      waiting: journal.outbox.size,
    };
  } finally {
    journal.close();
  }
}

/** What a consumer counts that follows the rule: of one journal, only what is above the highest number so far. */
export function consumed(heard: readonly Heard[]): { counted: number[]; repeated: number } {
  const counted: number[] = [];
  let repeated = 0;
  for (const { topic, payload } of heard) {
    if (!topic.endsWith('/decision')) continue;
    const seq = Number(payload['seq']);
    if (seq > (counted.at(-1) ?? 0)) counted.push(seq);
    else repeated++;
  }
  return { counted, repeated };
}
