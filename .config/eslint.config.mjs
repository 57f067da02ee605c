import { defineConfig } from 'eslint/config';
import tseslint from 'typescript-eslint';

/**
 * Import directions: main → cli → training → {app, daemon, evaluation, demo} → {vision, voice, audio, readers, fleet, console, bundles} →
 * {access, inference, mqtt, system} → {store, config, rx} → {events, errors}. A folder may import from its own and from lower
 * ranks; folders of one rank do not know one another. Training stands above evaluation: it measures what it has made.
 */
const RANKS = [
  ['cli'],
  ['training'],
  ['evaluation', 'demo', 'daemon', 'doctor'],
  ['vision', 'voice', 'audio', 'readers', 'fleet', 'console', 'bundles'],
  ['access', 'inference', 'mqtt', 'system'],
  ['store', 'config', 'rx'],
];

/** One importer per native or network library: the rest of the house talks to our own interface. */
const SOLE_IMPORTERS = {
  'onnxruntime-node': ['src/inference/onnx.ts'],
  '@tensorflow/tfjs': ['src/inference/tfjs.ts'],
  '@tensorflow/tfjs-core': ['src/inference/tfjs.ts'],
  '@tensorflow/tfjs-backend-wasm': ['src/inference/tfjs.ts'],
  'node-record-lpcm16': ['src/voice/sources/recorder.ts'],
  'tuf-js': ['src/fleet/trust/tuf-client.ts'],
  'tuf-js/dist/store': ['src/fleet/trust/tuf-client.ts'],
  'tuf-js/dist/error': ['src/fleet/trust/tuf-client.ts'],
  '@tufjs/models': ['src/fleet/trust/tuf-client.ts', 'src/fleet/manager/tuf-writer.ts'],
  '@vladmandic/face-api': ['src/evaluation/face-api.ts'],
  '@photostructure/sqlite': ['src/store/database.ts'],
  'node-webcam': ['src/vision/camera/webcam-stills.ts'],
  aedes: ['src/mqtt/broker.ts'],
  mqtt: ['src/mqtt/connection.ts'],
  sharp: ['src/vision/picture.ts'],
  ws: ['src/mqtt/transport.ts'],
};

const rankOf = (folder) => RANKS.findIndex((rank) => rank.includes(folder));
const folders = RANKS.flat();

const restrict = (patterns, file) => [
  'error',
  {
    patterns,
    paths: Object.entries(SOLE_IMPORTERS)
      .filter(([, importers]) => file === null || !importers.includes(file))
      .map(([name]) => ({ name, message: `only ${SOLE_IMPORTERS[name].join(', ')} imports ${name}` })),
  },
];

const forbiddenFrom = (folder) => {
  const rank = rankOf(folder);
  const forbidden = folders.filter((other) => other !== folder && rankOf(other) <= rank);
  const patterns = forbidden.map((other) => ({
    // Seeded randomness is everybody's: it imports nothing.
    group: [`../${other}/**`, `../../${other}/**`, '!**/evaluation/random'],
    message: `${folder} may not import ${other}`,
  }));
  if (folder !== 'cli')
    patterns.push({ group: ['../app', '../main', '../../app', '../../main'], message: 'only cli imports app' });
  return patterns;
};

const directions = folders.map((folder) => ({
  files: [`src/${folder}/**/*.ts`],
  rules: { 'no-restricted-imports': restrict(forbiddenFrom(folder), null) },
}));

const soleImporters = [...new Set(Object.values(SOLE_IMPORTERS).flat())].map((file) => ({
  files: [file],
  rules: { 'no-restricted-imports': restrict(forbiddenFrom(file.split('/')[1]), file) },
}));

export default defineConfig(
  { ignores: ['dist/**', 'coverage/**', '**/*.cjs'] },
  { files: ['**/*.ts'], extends: [tseslint.configs.strictTypeChecked] },
  {
    files: ['**/*.ts'],
    languageOptions: {
      parserOptions: { project: ['./test/tsconfig.json'], tsconfigRootDir: new URL('..', import.meta.url).pathname },
    },
    rules: {
      eqeqeq: 'error',
      'no-console': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-unnecessary-condition': [
        'error',
        { allowConstantLoopConditions: 'only-allowed-literals' },
      ],
      '@typescript-eslint/no-confusing-void-expression': 'off',
    },
  },
  ...directions,
  ...soleImporters,
  {
    // Only the edges of the process know the process; everything else is handed what it needs.
    files: ['src/**/*.ts'],
    ignores: ['src/main.ts', 'src/cli/**', 'src/system/**', 'src/vision/child.ts', 'src/voice/child.ts'],
    rules: {
      'no-restricted-properties': [
        'error',
        { object: 'process', property: 'env' },
        { object: 'process', property: 'exit' },
        { object: 'process', property: 'argv' },
        { object: 'process', property: 'on' },
      ],
    },
  },
  {
    files: ['test/**/*.ts'],
    rules: {
      'no-restricted-imports': 'off',
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/unbound-method': 'off',
    },
  },
);
