import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Memory after a garbage collection. Resident memory would also show what earlier sizes left. */
export async function heldBytes(): Promise<number> {
  setFlagsFromString('--expose_gc');
  const collect = runInNewContext('gc') as () => void;
  // WebAssembly memory is freed one turn of the event loop after its owner is gone.
  for (let turn = 0; turn < 3; turn++) {
    collect();
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
