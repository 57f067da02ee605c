import { OnnxGraph } from '../../onnx/writer';
import { LayerStack, NO_PADS, SAME_3X3, type Kernel, toOihw } from './layers';
import type { WeightFiles, WeightSet } from './weights';

export const RESNET_FILES: WeightFiles = {
  name: 'face_recognition_model',
  manifestSha256: 'cbaffa501b0b9275a12b63357a6843e7e30c054e1c9151e1a5f879b26e32986b',
  weightsSha256: 'b413e420d6840b2775fba32008db6f3cddb07d485967fb42cfcf379c16a8c589',
};

/** Residual blocks at the side and channels that their stage works in; each stage but the first begins by halving the side. */
const STAGES = [
  { channels: 32, blocks: 3 },
  { channels: 64, blocks: 3 },
  { channels: 128, blocks: 2 },
  { channels: 256, blocks: 2 },
] as const;

/** dlib's 29-layer ResNet as face-api.js carries it: [1, 3, 150, 150] to `embedding` [1, 128], not normalised. */
export function resnetGraph(weights: WeightSet): Uint8Array {
  const graph = new OnnxGraph('face-api-resnet', 17);
  const net = new LayerStack(graph, weights);
  const input = graph.input('image', [1, 3, 150, 150]);
  let out = net.relu(net.conv(input, scaledKernel(weights, 'conv32_down', 7, 3, 32), { stride: 2 }));
  out = net.maxPool(out, 3, 2, NO_PADS);
  STAGES.forEach(({ channels, blocks }, stage) => {
    const before = STAGES[stage - 1];
    if (before !== undefined) out = narrowing(net, out, channels, before.channels);
    for (let block = 1; block <= blocks; block++) out = residual(net, out, `conv${channels}_${block}`, channels);
  });
  out = closing(net, out);
  net.meanThenDense(out, 'fc', [256, 128], null, 'embedding');
  graph.output('embedding', [1, 128]);
  return graph.encode();
}

function residual(net: LayerStack, input: string, prefix: string, channels: number): string {
  const inner = net.relu(
    net.conv(input, scaledKernel(net.weights, `${prefix}/conv1`, 3, channels, channels), { pads: SAME_3X3 }),
  );
  const outer = net.conv(inner, scaledKernel(net.weights, `${prefix}/conv2`, 3, channels, channels), {
    pads: SAME_3X3,
  });
  return net.relu(net.add(outer, input));
}

/** Halves the side and doubles the channels; the shortcut is the mean of 2×2 in the first half of the channels, zero in the rest. */
function narrowing(net: LayerStack, input: string, channels: number, channelsIn: number): string {
  const prefix = `conv${channels}_down`;
  const inner = net.relu(
    net.conv(input, scaledKernel(net.weights, `${prefix}/conv1`, 3, channelsIn, channels), { stride: 2 }),
  );
  const outer = net.conv(inner, scaledKernel(net.weights, `${prefix}/conv2`, 3, channels, channels), {
    pads: SAME_3X3,
  });
  // The last stage comes from 8×8: the convolution leaves 3×3 where the shortcut leaves 4×4.
  const level = channels === 256 ? net.padEnd(outer, 1, 1) : outer;
  return net.relu(net.add(level, net.conv(input, widenedMean(channelsIn, channels), { stride: 2 })));
}

/** 4×4 to 2×2; the convolution leaves a single pixel, the other three are the shortcut's alone. */
function closing(net: LayerStack, input: string): string {
  const inner = net.relu(
    net.conv(input, scaledKernel(net.weights, 'conv256_down_out/conv1', 3, 256, 256), { stride: 2 }),
  );
  const outer = net.conv(inner, centre(scaledKernel(net.weights, 'conv256_down_out/conv2', 3, 256, 256)));
  return net.relu(net.add(net.padEnd(outer, 1, 1), net.averagePool(input, 2, 2)));
}

/** A convolution with its scale layer folded in: (w∗x + b)·s + t = (s·w)∗x + (s·b + t). */
export function scaledKernel(
  weights: WeightSet,
  prefix: string,
  side: number,
  channelsIn: number,
  channels: number,
): Kernel {
  const filters = weights.take(`${prefix}/conv/filters`, [side, side, channelsIn, channels]);
  const bias = weights.take(`${prefix}/conv/bias`, [channels]);
  const scale = weights.take(`${prefix}/scale/weights`, [channels]);
  const shift = weights.take(`${prefix}/scale/biases`, [channels]);
  const data = toOihw(filters, side, side, channelsIn, channels);
  const perOutput = data.length / channels;
  return {
    dims: [channels, channelsIn, side, side],
    data: data.map((value, i) => value * (scale[Math.floor(i / perOutput)] as number)),
    bias: bias.map((value, o) => value * (scale[o] as number) + (shift[o] as number)),
  };
}

/**
 * Average pooling and the zero channels as one 2×2 convolution: it costs less than 2 % of the network's multiplications and
 * keeps onnxruntime in its blocked channel layout, which a concatenation of zeros would leave.
 */
export function widenedMean(channelsIn: number, channels: number): Kernel {
  const data = new Float32Array(channels * channelsIn * 4);
  for (let c = 0; c < channelsIn; c++) data.fill(0.25, (c * channelsIn + c) * 4, (c * channelsIn + c + 1) * 4);
  return { dims: [channels, channelsIn, 2, 2], data, bias: null };
}

/** On a single pixel with zeros around it only the middle of a 3×3 kernel counts. */
function centre({ dims: [channels, channelsIn], data, bias }: Kernel): Kernel {
  const middle = Float32Array.from({ length: channels * channelsIn }, (_, i) => data[i * 9 + 4] as number);
  return { dims: [channels, channelsIn, 1, 1], data: middle, bias };
}
