// Lets a child process of a test run TypeScript from src: node -r ./test/support/run-ts.cjs file.ts
const { createHash } = require('node:crypto');
const { mkdirSync, readFileSync, renameSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');
const { version } = require('@swc/core/package.json');

const OPTIONS = { jsc: { parser: { syntax: 'typescript' }, target: 'es2022' }, module: { type: 'commonjs' } };
const BUILD = JSON.stringify({ version, ...OPTIONS });
// Proofs start hundreds of such processes; without a cache each of them compiles everything.
const CACHE = join(__dirname, '../../node_modules/.cache/run-ts');
mkdirSync(CACHE, { recursive: true });

/** Swc is loaded where it is needed only: it takes longer to load than the rest. */
function compile(source, filename) {
  const { transformSync } = require('@swc/core');
  return transformSync(source, { filename, ...OPTIONS }).code;
}

require.extensions['.ts'] = (module, filename) => {
  const source = readFileSync(filename, 'utf8');
  const cached = join(CACHE, createHash('sha256').update(BUILD).update(source).digest('hex'));
  let code;
  try {
    code = readFileSync(cached, 'utf8');
  } catch {
    code = compile(source, filename);
    // Renamed when whole: other processes read it, and this one may be killed at any time.
    writeFileSync(`${cached}.${process.pid}`, code);
    renameSync(`${cached}.${process.pid}`, cached);
  }
  module._compile(code, filename);
};
