import { Command, InvalidArgumentError, Option } from 'commander';
import { writeSync } from 'node:fs';
import { UsherError } from '../../errors';
import { ChainCheck, type JournalHead, type JournalRecord } from '../../store/journal/journal-chain';
import { JOURNAL_KINDS } from '../../store/journal/journal-body';
import { Journal } from '../../store/journal/journal';
import { type Csv, csvLine, jsonLine, recordText, verdictText } from './report';
import { type InstallationOptions, storeLocation, withInstallationOptions } from '../../terminal/installation';
import { wholeNumber } from '../../terminal/arguments';

interface Window {
  readonly from?: number;
  readonly to?: number;
}

/** `usher audit …`: shows what happened at the doors and to the members. Works while the daemon runs. */
export function auditCommand(): Command {
  const command = new Command('audit').description('verify, export and show the journal of events');
  command.addCommand(verifyCommand()).addCommand(exportCommand()).addCommand(showCommand());
  return command;
}

function verifyCommand(): Command {
  const command = withInstallationOptions(new Command('verify'))
    .description('check the whole chain; exit code 1 if a record was changed, removed, inserted or swapped')
    .option(
      '--head <seq:hash>',
      'a head that you kept elsewhere (from topic audit/head, an export, paper); may be repeated',
      (text: string, before: JournalHead[]) => [...before, headOf(text)],
      [],
    )
    .option('--json', 'write JSON');
  return command.action(async () => {
    const options = command.opts<InstallationOptions & { head: JournalHead[]; json?: boolean }>();
    await withJournal(options, (journal) => {
      const check = new ChainCheck(options.head);
      let records = 0;
      for (const record of journal.records()) {
        check.next(record);
        records++;
      }
      check.end();
      const verdict = { journal: journal.id, records, head: check.head, findings: check.findings };
      process.stdout.write(options.json === true ? `${JSON.stringify(verdict)}\n` : `${verdictText(verdict)}\n`);
      if (check.findings.length > 0)
        throw new UsherError('data-invalid', `the journal ${journal.file} was changed after it was written`, {
          remedy:
            'Keep this file and its backups unchanged, find out who had access, and compare with earlier exports.',
        });
      if (options.head.length === 0 && options.json !== true)
        process.stderr.write(
          'A person who can write this file could have rewritten all of it. Compare with a head kept elsewhere: --head SEQ:HASH\n',
        );
    });
  });
}

function exportCommand(): Command {
  const command = withInstallationOptions(new Command('export'))
    .description('write records to standard output; the last line of a full export is the head')
    .option('--from <time>', 'from this time on: 2026-05-01 or 2026-05-01T08:00:00Z', timeOf)
    .option('--to <time>', 'up to this time, which is excluded', timeOf)
    .addOption(
      new Option('--format <format>', 'JSON lines, whose hashes any program can check, or CSV')
        .choices(['jsonl', 'csv'])
        .default('jsonl'),
    );
  return command.action(async () => {
    const options = command.opts<InstallationOptions & Window & { format: 'jsonl' | 'csv' }>();
    await withJournal(options, (journal) => {
      const columns: Csv | null = options.format === 'csv' ? csvLine() : null;
      const out = new Output();
      if (columns !== null) out.write(columns.header);
      for (const record of within(journal, options))
        out.write(columns === null ? jsonLine(record) : columns.line(record));
      out.end();
      const { seq, hash } = journal.head();
      process.stderr.write(`journal ${journal.id}, head ${seq}:${hash}\n`);
    });
  });
}

function showCommand(): Command {
  const command = withInstallationOptions(new Command('show'))
    .description('show the latest records')
    .option('-n, --last <count>', 'so many', wholeNumber, 20)
    .addOption(new Option('--kind <kind>', 'only these').choices(Object.keys(JOURNAL_KINDS)))
    .option('--json', 'write JSON lines');
  return command.action(async () => {
    const options = command.opts<InstallationOptions & { last: number; kind?: string; json?: boolean }>();
    await withJournal(options, (journal) => {
      const latest: JournalRecord[] = [];
      for (const record of journal.newest()) {
        if (options.kind === undefined || record.kind === options.kind) latest.push(record);
        if (latest.length === options.last) break;
      }
      for (const record of latest.reverse())
        process.stdout.write(`${options.json === true ? jsonLine(record) : recordText(record)}\n`);
    });
  });
}

async function withJournal(options: InstallationOptions, work: (journal: Journal) => void): Promise<void> {
  const journal = Journal.open((await storeLocation(options)).dataDir, { readonly: true });
  try {
    work(journal);
  } finally {
    journal.close();
  }
}

/**
 * Selects by the records' own times, which follow the box's clock. After a clock was set back, records are not in order
 * of time.
 */
function* within(journal: Journal, { from, to }: Window): Generator<JournalRecord> {
  for (const record of journal.records())
    if (record.at >= (from ?? -Infinity) && record.at < (to ?? Infinity)) yield record;
}

function headOf(text: string): JournalHead {
  const [, seq, hash] = /^([1-9]\d{0,14}):([0-9a-f]{64})$/i.exec(text.trim()) ?? [];
  if (seq === undefined || hash === undefined)
    throw new InvalidArgumentError('expected a number, a colon and 64 hex digits, as in audit/head');
  return { seq: Number(seq), hash: hash.toLowerCase() };
}

function timeOf(text: string): number {
  const at = /^\d{4}-\d\d-\d\d(T|$)/.test(text) ? Date.parse(text) : NaN;
  if (Number.isNaN(at)) throw new InvalidArgumentError('expected a time like 2026-05-01 or 2026-05-01T08:00:00Z');
  return at;
}

/**
 * Writes blocks of lines to standard output. Each block is written before the next is read, so that a large export
 * needs little memory.
 */
class Output {
  private lines: string[] = [];

  write(line: string): void {
    if (this.lines.push(line) >= 256) this.end();
  }

  end(): void {
    if (this.lines.length === 0) return;
    const bytes = Buffer.from(`${this.lines.join('\n')}\n`);
    this.lines = [];
    for (let done = 0; done < bytes.length;) done += writeOnce(bytes.subarray(done));
  }
}

/** A pipe with a slow reader answers EAGAIN. The only remedy is to wait and retry. */
function writeOnce(bytes: Buffer): number {
  try {
    return writeSync(1, new Uint8Array(bytes));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    return 0;
  }
}
