// onnxruntime-node checks `data instanceof Float32Array` against the realm it was loaded in, while jest gives each test
// file a realm of its own. Sharing the outer realm's buffers makes both sides see the same constructors.
const { TestEnvironment } = require('jest-environment-node');

class OuterRealmEnvironment extends TestEnvironment {
  constructor(config, context) {
    super(config, context);
    for (const name of [
      'ArrayBuffer',
      'SharedArrayBuffer',
      'DataView',
      'Int8Array',
      'Uint8Array',
      'Uint8ClampedArray',
      'Int16Array',
      'Uint16Array',
      'Int32Array',
      'Uint32Array',
      'Float32Array',
      'Float64Array',
      'BigInt64Array',
      'BigUint64Array',
    ]) {
      this.global[name] = globalThis[name];
    }
    // What programs that a test starts inherit; the test's own process.env is a copy.
    this.global.setForPrograms = (name, value) => {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    };
  }
}

module.exports = OuterRealmEnvironment;
