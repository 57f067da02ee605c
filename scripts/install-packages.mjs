// Copies the npm packages that usher needs to run from a checkout, without the network: the production packages of package-lock.json.
// What they bring for other machines stays behind; that is most of their size.
//
//   node install-packages.mjs SOURCE TARGET [laboratory]
import { cpSync, existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** What `usher train`, `eval` and `bench` need besides. */
const LABORATORY = [
  '@tensorflow/tfjs',
  '@tensorflow/tfjs-core',
  '@tensorflow/tfjs-backend-wasm',
  '@vladmandic/face-api',
];

const machine = `${process.platform}-${process.arch}`;
const otherLibc = process.report.getReport().header.glibcVersionRuntime === undefined ? 'glibc' : 'musl';
/** Binaries of other machines and sources to compile from, by path below node_modules. */
const LEFT_OUT = [
  new RegExp(`^onnxruntime-node/bin/napi-v\\d+/(?!${process.platform}(/${process.arch}(/|$)|$))`),
  new RegExp(`^@photostructure/sqlite/(src|binding\\.gyp|prebuilds/(?!${machine}(/|$)))`),
  new RegExp(`^@photostructure/sqlite/prebuilds/.*\\.${otherLibc}\\.node$`),
];

const [source, target, laboratory] = process.argv.slice(2);
const locked = JSON.parse(readFileSync(path.join(source, 'package-lock.json'), 'utf8')).packages;

/** Where Node.js finds a package that one at `from` asks for: 'node_modules/a/node_modules/b', or undefined. */
function placeOf(name, from) {
  for (let at = from; ; at = at.slice(0, Math.max(0, at.lastIndexOf('node_modules/') - 1))) {
    const place = path.posix.join(at, 'node_modules', name);
    if (locked[place] !== undefined) return place;
    if (at === '') return undefined;
  }
}

/** The packages of these names and all that they depend on. */
function withDependencies(names) {
  const places = new Set();
  const visit = (name, from) => {
    const place = placeOf(name, from);
    if (place === undefined || places.has(place)) return;
    places.add(place);
    const { dependencies, optionalDependencies, peerDependencies } = locked[place];
    for (const next of Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies }))
      visit(next, place);
  };
  for (const name of names) visit(name, '');
  return [...places];
}

/** Packages within a package have a place of their own. */
function isWanted(place, file) {
  const below = path.relative(path.join(source, place), file).split(path.sep);
  if (below[0] === 'node_modules') return false;
  const name = [place.slice('node_modules/'.length), ...below].filter(Boolean).join('/');
  return !LEFT_OUT.some((pattern) => pattern.test(name));
}

const roots = Object.keys(locked[''].dependencies ?? {});
for (const place of withDependencies(laboratory === undefined ? roots : [...roots, ...LABORATORY])) {
  const from = path.join(source, place);
  if (existsSync(from))
    cpSync(from, path.join(target, place), {
      recursive: true,
      dereference: true,
      preserveTimestamps: true,
      filter: (file) => isWanted(place, file),
    });
  else if (locked[place].optional !== true) {
    process.stderr.write(`install-packages: ${place} is missing: run scripts/setup first\n`);
    process.exit(3);
  }
}
