// As in the suite, only that a file under mutation is taken from where its mutants were put in.
const { createHash } = require('node:crypto');
const { existsSync, readFileSync } = require('node:fs');
const path = require('node:path');
const swc = require('@swc/jest');

module.exports = {
  createTransformer(options) {
    const { folder, root, ...rest } = options;
    const inner = swc.createTransformer(rest);
    const standIn = (file) => {
      const other = path.join(folder, path.relative(root, file));
      return existsSync(other) ? readFileSync(other, 'utf8') : null;
    };
    return {
      ...inner,
      getCacheKey: (source, file, context) =>
        createHash('sha256')
          .update(inner.getCacheKey(source, file, context))
          .update(standIn(file) ?? '')
          .digest('hex')
          .slice(0, 32),
      process: (source, file, context) => inner.process(standIn(file) ?? source, file, context),
    };
  },
};
