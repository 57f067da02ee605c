#!/usr/bin/env node
// Enrols many members from a list, one `usher enroll` for each. Safe to run again: who is enrolled already is passed over.
//
//   scripts/enrol-list.mjs LIST --config FILE --consent-text VERSION --consent-by WHO [--report FILE]
//
// LIST has a line for each member, parts separated by tabs: id, name, and one or more pictures. Pictures are relative to LIST. Empty
// lines and lines that begin with # are passed over. The exit code is 1 if a person could not be enrolled.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const MAIN = join(dirname(fileURLToPath(import.meta.url)), '..', 'dist', 'main.js');
const USAGE = 2;

const { values, positionals } = arguments_();
const [list] = positionals;
const { config, 'consent-text': text, 'consent-by': by, report } = values;
if (list === undefined || positionals.length > 1 || !config || !text || !by)
  usage('usage: scripts/enrol-list.mjs LIST --config FILE --consent-text VERSION --consent-by WHO [--report FILE]');

const entries = entriesOf(list);
const known = enrolledBefore();
const refused = [];
let enrolled = 0;
let passed = 0;
for (const [at, { id, name, photos }] of entries.entries()) {
  if (known.has(id)) {
    passed++;
    continue;
  }
  const done = usher(
    'enroll',
    '--config',
    config,
    '--id',
    id,
    '--name',
    name,
    '--consent-text',
    text,
    '--consent-by',
    by,
    ...photos,
  );
  if (done.status === 0) enrolled++;
  else refused.push([id, name, (done.stderr || done.stdout).trim().replace(/\s+/g, ' ')].join('\t'));
  console.log(`${at + 1}/${entries.length} ${id}: ${done.status === 0 ? 'enrolled' : 'REFUSED'}`);
}
if (report !== undefined) writeFileSync(report, refused.map((line) => `${line}\n`).join(''));
for (const line of refused) console.error(line);
console.log(`${enrolled} enrolled, ${refused.length} refused, ${passed} were enrolled before`);
process.exitCode = refused.length > 0 ? 1 : 0;

/** A configuration that is not good stops here, with its own message. */
function enrolledBefore() {
  const checked = usher('config', 'check', config);
  if (checked.status !== 0) {
    console.error(checked.stderr.trim());
    process.exit(checked.status ?? 1);
  }
  const listed = usher('members', 'list', '--config', config, '--json');
  // Nobody is enrolled before the first enrolment makes the data folder.
  const { members } = listed.status === 0 ? JSON.parse(listed.stdout) : { members: [] };
  return new Set(members.map(({ id }) => id));
}

function arguments_() {
  const text = { type: 'string' };
  try {
    return parseArgs({
      options: { config: text, 'consent-text': text, 'consent-by': text, report: text },
      allowPositionals: true,
    });
  } catch (error) {
    return usage(error.message);
  }
}

/** The whole list is read before anybody is enrolled: a slip in line 400 shows at once. */
function entriesOf(file) {
  const seen = new Set();
  return readFileSync(file, 'utf8')
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .flatMap((line, index) => {
      if (line.trim() === '' || line.startsWith('#')) return [];
      const at = `${file}:${index + 1}`;
      const [id, name, ...photos] = line.split('\t').map((part) => part.trim());
      if (!id || !name || photos.length === 0 || photos.some((photo) => photo === ''))
        return usage(`${at}: a line has an id, a name and at least one picture, separated by tabs`);
      if (seen.has(id)) return usage(`${at}: ${id} is in the list twice`);
      seen.add(id);
      const paths = photos.map((photo) => resolve(dirname(file), photo));
      const missing = paths.find((path) => !existsSync(path));
      if (missing !== undefined) return usage(`${at}: there is no ${missing}`);
      return [{ id, name, photos: paths }];
    });
}

function usher(...args) {
  return spawnSync(process.execPath, [MAIN, ...args], { encoding: 'utf8' });
}

function usage(message) {
  console.error(`enrol-list: ${message}`);
  process.exit(USAGE);
}
