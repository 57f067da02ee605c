import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** What is held after collecting garbage: resident memory would also show what other sizes left behind. */
export async function heldBytes(): Promise<number> {
  setFlagsFromString('--expose_gc');
  const collect = runInNewContext('gc') as () => void;
  // WebAssembly memory is given back a turn after its owner is gone.
  for (let turn = 0; turn < 3; turn++) {
    collect();
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
