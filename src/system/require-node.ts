/**
 * Every command loads this file first. An older Node would start and fail later with an unclear error. Uses no syntax
 * that an old version may not know.
 */
const version = process.versions.node.split('.');
const major = Number(version[0]);
if (major < 20 || (major === 20 && Number(version[1]) < 9)) {
  process.stderr.write(
    'usher: Node.js ' +
      process.versions.node +
      ' is too old: 20.9 or later is needed\n  → Install it for the whole system: https://nodejs.org, or your distribution. This one is ' +
      process.execPath +
      '\n',
  );
  process.exit(3);
}

export {};
