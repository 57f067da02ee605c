import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { OnnxGraph } from '../../../onnx/writer';
import { writeBundle } from '../../../bundles/write';
import { readContent, type ReleaseContent } from '../../../fleet/manager/content';

/** Number of floats; they make the archive a few chunks long. */
const BALLAST = 3000;

/** A complete bundle of a few kilobytes, checked as publishing does: a scene model that outputs what it is given. */
export async function smallBundle(folder: string, version: string): Promise<ReleaseContent> {
  const graph = new OnnxGraph('simulated');
  graph.input('x', [1, 3, 1, 1]);
  graph.initializer('w', [1], Float32Array.of(0.5));
  graph.initializer(
    'ballast',
    [BALLAST],
    Float32Array.from({ length: BALLAST }, (_, at) => at),
  );
  graph.node('ReduceSum', ['ballast'], ['unused'], { keepdims: { int: 0 } });
  graph.node('Mul', ['x', 'w'], ['m']);
  graph.node('Flatten', ['m'], ['y'], { axis: { int: 1 } });
  graph.output('y', [1, 3]);
  const dir = await writeBundle(join(folder, version), {
    card: {
      task: 'scene',
      name: 'simulated',
      version,
      summary: 'For simulated boxes',
      set: null,
      licence: { spdx: 'Apache-2.0', origin: 'this program', trainingData: 'none' },
      input: {
        kind: 'image',
        name: 'x',
        layout: 'NCHW',
        colour: 'RGB',
        width: 1,
        height: 1,
        multiple: 1,
        mean: [0, 0, 0],
        scale: [1, 1, 1],
      },
      output: { decoding: 'scene-scores', output: 'y', kind: 'multi-label', labels: ['day', 'dusk', 'night'] },
      alignment: null,
      figures: [],
    },
    modelBytes: graph.encode(),
    goldenInput: { data: Float32Array.of(0.1, 0.2, 0.3), dims: [1, 3, 1, 1] },
  });
  const content = await readContent(dir, '');
  rmSync(dir, { recursive: true });
  return content;
}
