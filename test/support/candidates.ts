import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { OnnxGraph } from '../../src/onnx/writer';
import { writeBundle } from '../../src/bundles/write';
import { readCard } from '../../src/inference/bundle';
import { childEntry } from '../../src/system/paths';

/** The bundle as it is, under another version: a candidate with nothing wrong. */
export function sameModel(base: string, dir: string, version: string): void {
  mkdirSync(dir, { recursive: true });
  for (const file of readdirSync(base)) copyFileSync(join(base, file), join(dir, file));
  const card = JSON.parse(readFileSync(join(dir, 'card.json'), 'utf8')) as object;
  writeFileSync(join(dir, 'card.json'), JSON.stringify({ ...card, version }));
}

export interface Faults {
  /** Every face gets the same vector. Without it the vectors are those of another network, which is as wrong. */
  readonly matrixProducts?: number;
  /** MiB of intermediate results. */
  readonly scratchMiB?: number;
}

/** An encoder of the base's form whose answers are worthless, and which takes as much time or memory as is asked. */
export async function badEncoder(base: string, dir: string, version: string, faults: Faults = {}): Promise<void> {
  const { matrixProducts = 0, scratchMiB = 0 } = faults;
  const {
    task,
    name,
    summary,
    set,
    licence,
    input: image,
    output: decoding,
    alignment,
    figures,
    golden,
  } = await readCard(base);
  const card = { task, name, summary, set, licence, input: image, output: decoding, alignment, figures };
  const output = golden.outputs[0]!;
  const width = output.dims.reduce((product, dim) => product * dim, 1);
  const graph = new OnnxGraph('bad');
  const input = graph.input(card.input.name, golden.inputDims);
  // Everything hangs on the input, or the runtime would work it out once, while it loads.
  graph.node('ReduceMean', [input], ['mean'], { keepdims: { int: 0 } });
  const sums = ['mean'];
  if (matrixProducts > 0) {
    const side = 512;
    graph.initializer('square', [side, side], new Float32Array(side * side).fill(1 / side));
    graph.node('Mul', ['square', 'mean'], ['product0']);
    for (let n = 1; n <= matrixProducts; n++) graph.node('MatMul', [`product${n - 1}`, 'square'], [`product${n}`]);
    graph.node('ReduceMean', [`product${matrixProducts}`], ['worked'], { keepdims: { int: 0 } });
    sums.push('worked');
  }
  if (scratchMiB > 0) {
    graph.initializer('shape', [1], BigInt64Array.of(BigInt(scratchMiB * 262_144)));
    graph.node('Expand', ['mean', 'shape'], ['scratch']);
    graph.node('Sin', ['scratch'], ['waves']);
    graph.node('ReduceMean', ['waves'], ['remembered'], { keepdims: { int: 0 } });
    sums.push('remembered');
  }
  graph.node('Sum', sums, ['sum']);
  graph.initializer('direction', output.dims, new Float32Array(width).fill(1));
  graph.node('Mul', ['sum', 'direction'], ['scaled']);
  graph.node('Add', ['scaled', 'direction'], [output.name]);
  graph.output(output.name, output.dims);
  const count = golden.inputDims.reduce((product, dim) => product * dim, 1);
  const folder = mkdtempSync(join(tmpdir(), 'usher-candidate-'));
  const written = await writeBundle(folder, {
    card: { ...card, version },
    modelBytes: graph.encode(),
    goldenInput: { data: Float32Array.from({ length: count }, (_, i) => (i % 7) / 7), dims: golden.inputDims },
  });
  mkdirSync(dirname(dir), { recursive: true });
  renameSync(written, dir);
  rmSync(folder, { recursive: true });
}

/** Faults of a process that no network of ours can be given, in the place of such as native code has. */
export const FAULTS = {
  /** From the moment on in which the file is there; 20 MiB at a time. */
  leaks: (file: string) => `
    const kept = [];
    setInterval(() => require('node:fs').existsSync(${JSON.stringify(file)}) && kept.push(Buffer.alloc(20 << 20, 1)), 50);
  `,
  /** A frame takes 350 ms at least, on whatever machine: enough for the thinned out frames of its test, not for all. */
  lags: () => `
    const send = process.send.bind(process);
    process.send = (event, ...more) => {
      if (event.kind === 'observation') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 350);
      return send(event, ...more);
    };
  `,
  /** Twelve frames within two seconds are one more than it is shown in its test. */
  diesOfLoad: () => `
    const send = process.send.bind(process);
    let times = [];
    process.send = (event, ...more) => {
      if (event.kind === 'observation') {
        times = [...times, Date.now()].filter((at) => Date.now() - at < 2000);
        if (times.length > 11) process.abort();
      }
      return send(event, ...more);
    };
  `,
} as const;

/** The vision or voice process with a fault. @returns its entry */
export function faultyChild(of: 'vision' | 'voice', dir: string, fault: string): string {
  mkdirSync(dir, { recursive: true });
  const entry = join(dir, 'child.js');
  writeFileSync(entry, `${fault}\nrequire(${JSON.stringify(childEntry(of))});\n`);
  return entry;
}
