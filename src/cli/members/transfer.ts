import { type Command, Option } from 'commander';
import { closeSync, existsSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { openStore } from '../../daemon/store/open-store';
import { messageOf, UsherError } from '../../errors';
import { createDurably } from '../../files/durable-file';
import { CONTAINER_MAX_BYTES } from '../../store/transfer/container';
import {
  CONFLICT_RULES,
  type ConflictRule,
  exportMembers,
  type Imported,
  importMembers,
} from '../../store/transfer/transfer';
import { type InstallationOptions, storeLocation, withInstallationOptions } from '../../terminal/installation';
import { actor } from '../../terminal/members-options';
import type { Report } from './report';

interface Options extends InstallationOptions {
  readonly passphraseFile: string;
  readonly onConflict: ConflictRule;
  readonly by?: string;
  readonly json?: boolean;
}

const PASSPHRASE_MAX_BYTES = 1024;

/** `usher members export` and `import`: move members to another box, or archive them, in one encrypted file. */
export function addTransferCommands(command: Command): void {
  const withPassphrase = (sub: Command): Command =>
    withInstallationOptions(sub)
      .requiredOption('--passphrase-file <file>', 'file whose first line is the passphrase, at least 12 characters')
      .option('--json', 'write JSON');
  withPassphrase(command.command('export <file>'))
    .description('write all members with their templates to an encrypted file')
    .action(async (file: string, options: Options) => tell(await exportTo(resolve(file), options), options));
  withPassphrase(command.command('import <file>'))
    .description(
      'import all members of an export, or none; members who were enrolled in it and later deleted here stay deleted',
    )
    .addOption(
      new Option(
        '--on-conflict <rule>',
        'for a member who exists here: refuse the import, keep the present one, or replace it',
      )
        .choices(CONFLICT_RULES)
        .default('refuse'),
    )
    .option('--by <who>', 'who decided it, for the receipts of replaced members (default: the account that runs this)')
    .action(async (file: string, options: Options) => tell(await importFrom(resolve(file), options), options));
}

function tell({ json, text }: Report, options: Options): void {
  process.stdout.write(options.json === true ? `${JSON.stringify(json)}\n` : `${text}\n`);
}

async function exportTo(file: string, options: Options): Promise<Report> {
  if (existsSync(file)) throw exists(file);
  const passphrase = passphraseOf(options.passphraseFile);
  const store = openStore(await storeLocation(options));
  try {
    const { bytes, members } = exportMembers(store, passphrase, Date.now());
    writeNew(file, bytes);
    return {
      json: { file, members, bytes: bytes.length },
      text: `${members} members in ${file}. Keep file and passphrase apart; delete the file after use.`,
    };
  } finally {
    store.close();
  }
}

async function importFrom(file: string, options: Options): Promise<Report> {
  const bytes = readCapped(file, CONTAINER_MAX_BYTES);
  const passphrase = passphraseOf(options.passphraseFile);
  const store = openStore(await storeLocation(options, { first: true }));
  try {
    const rules = { passphrase, onConflict: options.onConflict, by: actor(options.by) };
    return importedReport(importMembers(store, bytes, rules));
  } finally {
    store.close();
  }
}

function importedReport(imported: Imported): Report {
  const { added, replaced, kept, deletedHere } = imported;
  return {
    json: imported,
    text:
      `${added.length} added, ${replaced.length} replaced, ${kept.length} unchanged` +
      (deletedHere.length === 0 ? '' : `\nleft out, deleted here since: ${deletedHere.join(', ')}`),
  };
}

function passphraseOf(file: string): string {
  const [line = ''] = readCapped(resolve(file), PASSPHRASE_MAX_BYTES).toString('utf8').split(/\r?\n/, 1);
  return line;
}

/** @throws UsherError `file-unreadable` */
function readCapped(file: string, max: number): Buffer {
  const refuse = (why: string, cause?: unknown): UsherError =>
    new UsherError('file-unreadable', `${file}: ${why}`, { remedy: 'Check the name and who may read it.', cause });
  let descriptor: number;
  try {
    descriptor = openSync(file, 'r');
  } catch (error) {
    throw refuse(messageOf(error), error);
  }
  try {
    const facts = fstatSync(descriptor);
    if (!facts.isFile() || facts.size > max) throw refuse(facts.isFile() ? 'it is too large' : 'it is not a file');
    return readFileSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** Writes the whole file or nothing, and never overwrites another. Mode 0600. */
function writeNew(file: string, bytes: Uint8Array): void {
  try {
    createDurably(file, bytes);
  } catch (error) {
    throw existsSync(file) ? exists(file) : new UsherError('store-unavailable', `${file}: ${messageOf(error)}`);
  }
}

function exists(file: string): UsherError {
  return new UsherError('usage', `${file} already exists`, { remedy: 'Name a new file.' });
}
