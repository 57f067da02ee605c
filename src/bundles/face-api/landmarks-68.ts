import { OnnxGraph } from '../../onnx/writer';
import { LayerStack, SAME_3X3, SAME_END } from './layers';
import type { WeightFiles, WeightSet } from './weights';

export const LANDMARKS_FILES: WeightFiles = {
  name: 'face_landmark_68_model',
  manifestSha256: 'ca4886639f86e99b39fed0c155f81b63317225773bd9616716e887b0153389c9',
  weightsSha256: '4611ef65c87d836d03d684b30eec4d195d8b219fa1dd58fc58945831c6b9299b',
};

const CHANNELS = [32, 64, 128, 256] as const;
/** 68 points, x and y. */
const COORDINATES = 136;

/** Four densely connected blocks and a linear layer: [1, 3, 112, 112] to `landmarks` [1, 136], x and y by turns, 0..1 of the input. */
export function landmarksGraph(weights: WeightSet): Uint8Array {
  const graph = new OnnxGraph('landmarks-68', 17);
  const net = new LayerStack(graph, weights);
  let out = graph.input('image', [1, 3, 112, 112]);
  CHANNELS.forEach((channels, block) => {
    out = denseBlock(net, out, block, block === 0 ? 3 : (CHANNELS[block - 1] ?? 0), channels);
  });
  net.meanThenDense(out, 'fc/weights', [256, COORDINATES], 'fc/bias', 'landmarks');
  graph.output('landmarks', [1, COORDINATES]);
  return graph.encode();
}

/** Halves the side; the outputs of its four convolutions are summed up one after the other (denseBlock.ts of the package). */
function denseBlock(net: LayerStack, input: string, block: number, channelsIn: number, channels: number): string {
  const prefix = `dense${block}`;
  const down = { stride: 2, pads: SAME_END };
  const entry =
    block === 0
      ? net.conv(
          input,
          net.plainKernel(`${prefix}/conv0/filters`, `${prefix}/conv0/bias`, 3, channelsIn, channels),
          down,
        )
      : net.separable(input, `${prefix}/conv0`, channelsIn, channels, down);
  let sum = net.relu(entry);
  let activated = sum;
  for (let i = 1; i < 4; i++) {
    sum = net.add(sum, net.separable(activated, `${prefix}/conv${i}`, channels, channels, { pads: SAME_3X3 }));
    activated = net.relu(sum);
  }
  return activated;
}
