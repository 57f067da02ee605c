/**
 * Which room may import which: `npx depcruise --config .config/house.cjs src`. A room imports from its own and from lower ranks; rooms
 * of one rank do not know one another. No circles, of files or of folders.
 */
const RANKS = [
  ['main'],
  ['cli'],
  ['lab'],
  ['terminal'],
  ['actuator'],
  ['doctor'],
  ['daemon'],
  ['vision', 'voice', 'readers', 'fleet', 'bundles'],
  ['visitors', 'onnx'],
  ['access', 'inference', 'mqtt', 'sources'],
  ['system'],
  ['store', 'config', 'rx'],
  ['files'],
];

/** Imported by any room, and importing none: vocabulary and pure helpers. */
const GROUND =
  'address|canonical|digest|errors|events|identifier|nearest-word|quantile|random|secrets|strange-time|webassembly';

/** One importer for each native or network library: the rest of the house uses our own interface. */
const SOLE_IMPORTERS = {
  'onnxruntime-node': ['inference/onnx'],
  '@tensorflow/tfjs': ['lab/learning/tensorflow'],
  '@tensorflow/tfjs-core': ['lab/learning/tensorflow'],
  '@tensorflow/tfjs-backend-wasm': ['lab/learning/tensorflow'],
  'node-record-lpcm16': ['voice/sources/recorder'],
  'tuf-js': ['fleet/trust/tuf-client', 'fleet/trust/metadata-check'],
  '@tufjs/models': ['fleet/trust/tuf-client', 'fleet/manager/tuf-writer'],
  '@vladmandic/face-api': ['lab/bench/face-api'],
  '@photostructure/sqlite': ['store/database/database'],
  'node-webcam': ['vision/camera/webcam-stills'],
  aedes: ['mqtt/broker/broker'],
  mqtt: ['mqtt/link/connection'],
  sharp: ['vision/picture/picture'],
  ws: ['mqtt/link/transport'],
};

/** Both are the program's upper end; the laboratory is found at run time (`terminal/laboratory.ts`). */
const laboratory = {
  name: 'no import of the laboratory',
  severity: 'error',
  from: { path: '^src', pathNot: '^src/lab/' },
  to: { path: '^src/lab/' },
};

/** A device is installed without the packages that only development, tests and the laboratory need. */
const development = {
  name: 'no development package on a device',
  severity: 'error',
  from: { path: '^src', pathNot: '^src/lab/' },
  to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'], pathNot: '^node_modules/@types/' },
};

const upward = RANKS.flatMap((rooms, rank) =>
  rooms.map((room) => ({
    name: `from ${room}`,
    severity: 'error',
    from: { path: `^src/${room}(/|\\.ts$)` },
    to: {
      path: `^src/(${RANKS.slice(0, rank + 1)
        .flat()
        .filter((other) => other !== room)
        .join('|')})(/|\\.ts$)`,
    },
  })),
).filter(({ to }) => !to.path.startsWith('^src/()'));

const soleImporters = Object.entries(SOLE_IMPORTERS).map(([library, importers]) => ({
  name: `only ${importers.join(' and ')}`,
  severity: 'error',
  from: { path: '^src', pathNot: `^src/(${importers.join('|')})\\.ts$` },
  to: { path: `^(node_modules/)?${library}(/|$)` },
}));

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    { name: 'no circle of files', severity: 'error', from: {}, to: { circular: true } },
    { name: 'no circle of folders', severity: 'error', scope: 'folder', from: {}, to: { circular: true } },
    {
      name: 'the ground imports no room',
      severity: 'error',
      from: { path: `^src/(${GROUND})\\.ts$` },
      to: { path: '^src/', pathNot: `^src/(${GROUND})\\.ts$` },
    },
    { name: 'nothing unresolved', severity: 'error', from: {}, to: { couldNotResolve: true, pathNot: '\\.wat$' } },
    laboratory,
    development,
    ...upward,
    ...soleImporters,
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
  },
};
