// Handles files of the user for scripts/install-service: members, keys, configurations, trained and pulled models. It never deletes a
// file that did not come with usher.
//
//   node install-files.mjs list DIR                   lists the files of usher in DIR/.installed-files
//   node install-files.mjs keep OLD NEW               moves files in OLD that did not come with usher to NEW
//   node install-files.mjs adopt OLD SHIPPED TARGET   copies trained and pulled models of the program folder OLD to TARGET
//   node install-files.mjs models SHIPPED TARGET      copies the models that come with usher to TARGET
import { createHash } from 'node:crypto';
import {
  chownSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';

const LIST = '.installed-files';
const MARKS = new Set([LIST, '.installed-by-usher']);
const SHIPPED_MODELS = '.shipped-models';
/** Parts of a copy that is older than the list: usher installed nothing else there. */
const FORMER_PARTS = new Set(
  'dist node_modules systemd scripts package.json package-lock.json .npmrc README.md LICENSE CHANGELOG.md'.split(' '),
);

const say = (text) => process.stdout.write(`install-service: ${text}\n`);
const isFolder = (file) => lstatSync(file, { throwIfNoEntry: false })?.isDirectory() === true;
const there = (file) => lstatSync(file, { throwIfNoEntry: false }) !== undefined;

/** Paths of all files below; links are not followed. */
function filesBelow(dir, below = '') {
  return readdirSync(path.join(dir, below), { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const name = path.join(below, entry.name);
      return entry.isDirectory() ? filesBelow(dir, name) : [name];
    });
}

function digest(file) {
  const stat = lstatSync(file);
  if (stat.isSymbolicLink()) return `link ${readlinkSync(file)}`;
  return stat.isFile() ? createHash('sha256').update(readFileSync(file)).digest('hex') : 'special';
}

/** npm manages the many files of packages, so they are known by name, without a digest. */
const digestOf = (dir, name) => (name.startsWith(`node_modules${path.sep}`) ? null : digest(path.join(dir, name)));
const digestOfFolder = (dir) =>
  isFolder(dir)
    ? JSON.stringify(filesBelow(dir).map((name) => [name, digest(path.join(dir, name))]))
    : there(dir)
      ? digest(dir)
      : null;

const readJson = (file) => (existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : null);

function list(dir) {
  const names = filesBelow(dir).filter((name) => !MARKS.has(name));
  writeFileSync(
    path.join(dir, LIST),
    `${JSON.stringify(Object.fromEntries(names.map((name) => [name, digestOf(dir, name)])), null, 0)}\n`,
  );
}

/** Whether a file of an installed program came with usher and is unchanged. */
function isOurs(dir, known, name) {
  if (MARKS.has(name)) return true;
  if (known !== null)
    return Object.hasOwn(known, name) && (known[name] === null || known[name] === digestOf(dir, name));
  return FORMER_PARTS.has(name.split(path.sep)[0]);
}

function freeName(file) {
  for (let i = 1; ; i++) {
    const name = `${file}.kept${i === 1 ? '' : `-${i}`}`;
    if (!there(name)) return name;
  }
}

function keep(old, fresh) {
  const known = readJson(path.join(old, LIST));
  const move = (name, target) => {
    mkdirSync(path.dirname(target), { recursive: true });
    renameSync(path.join(old, name), target);
    say(`kept ${path.relative(fresh, target)}, which did not come with usher, in ${fresh}`);
  };
  const visit = (below) => {
    for (const entry of readdirSync(path.join(old, below))) {
      const name = path.join(below, entry);
      const from = path.join(old, name);
      const target = path.join(fresh, name);
      if (isFolder(from)) {
        if (
          !there(target) &&
          filesBelow(old, name).length > 0 &&
          !filesBelow(old, name).some((file) => isOurs(old, known, file))
        )
          move(name, target);
        else visit(name);
      } else if (!isOurs(old, known, name)) {
        if (!there(target)) move(name, target);
        else if (digest(from) !== digest(target)) move(name, freeName(target));
      }
    }
  };
  visit('');
}

function own(file, folder) {
  if (process.getuid() !== 0) return;
  const { uid, gid } = lstatSync(folder);
  const all = isFolder(file)
    ? [file, ...readdirSync(file, { recursive: true }).map((name) => path.join(file, String(name)))]
    : [file];
  for (const one of all) chownSync(one, uid, gid);
}

/** Replaces atomically: a reader sees the old one or the new one. */
function bring(from, target, owner) {
  const draft = path.join(path.dirname(target), `.${path.basename(target)}.new`);
  rmSync(draft, { recursive: true, force: true });
  cpSync(from, draft, { recursive: true, dereference: true, preserveTimestamps: true });
  own(draft, owner);
  if (isFolder(target)) rmSync(target, { recursive: true });
  renameSync(draft, target);
}

function adopt(old, shipped, target) {
  const folder = path.join(old, 'models');
  if (!isFolder(folder)) return;
  mkdirSync(target, { recursive: true });
  const known = readJson(path.join(old, LIST));
  for (const entry of readdirSync(folder)) {
    const from = path.join(folder, entry);
    const names = isFolder(from) ? filesBelow(old, path.join('models', entry)) : [path.join('models', entry)];
    if (known !== null && names.every((name) => isOurs(old, known, name))) continue;
    if (digestOfFolder(from) === digestOfFolder(path.join(shipped, entry))) continue;
    // A model with a shipped name may be older or trained, so both are kept.
    const taken = there(path.join(shipped, entry)) || there(path.join(target, entry));
    const to = taken ? freeName(path.join(target, entry)) : path.join(target, entry);
    bring(from, to, path.dirname(target));
    say(`kept the model ${entry} as ${to}`);
  }
}

function models(shipped, target) {
  if (!isFolder(shipped)) return;
  mkdirSync(target, { recursive: true });
  own(target, path.dirname(target));
  const record = path.join(target, SHIPPED_MODELS);
  const before = readJson(record) ?? {};
  const now = {};
  for (const entry of readdirSync(shipped)) {
    const to = path.join(target, entry);
    const fresh = digestOfFolder(path.join(shipped, entry));
    const has = digestOfFolder(to);
    now[entry] = createHash('sha256').update(fresh).digest('hex');
    if (has === fresh) continue;
    const asItCame = has !== null && before[entry] === createHash('sha256').update(has).digest('hex');
    if (has === null || asItCame) bring(path.join(shipped, entry), to, path.dirname(target));
    else say(`kept your model ${to}; to get the one that comes with usher, remove it and install again`);
  }
  writeFileSync(record, `${JSON.stringify(now)}\n`);
  own(record, path.dirname(target));
}

const [verb, ...folders] = process.argv.slice(2);
({ list, keep, adopt, models })[verb](...folders.map((folder) => path.resolve(folder)));
