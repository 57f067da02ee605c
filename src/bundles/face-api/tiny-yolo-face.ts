import { OnnxGraph } from '../../onnx/writer';
import { LayerStack, NO_PADS, type Pads, SAME_3X3, SAME_END } from './layers';
import type { WeightFiles, WeightSet } from './weights';

export const TINY_YOLO_FILES: WeightFiles = {
  name: 'tiny_face_detector_model',
  manifestSha256: '5d1af4849ac48d5b985f4a9b16010c512353ddd6fcc63d50fd0bc9e9e64296e5',
  weightsSha256: 'b7503ce7df31039b1c43316a9b865cab6a70dd748cc602d3fa28b551503c3871',
};

/** Anchors in grid cells, (width, height): tinyFaceDetector/const.ts of the package. */
export const TINY_YOLO_ANCHORS: [number, number][] = [
  [1.603231, 2.094468],
  [6.041143, 7.080126],
  [2.882459, 3.518061],
  [4.266906, 5.178857],
  [9.041765, 10.66308],
];
/** Centre x, centre y, width, height, score. */
const VALUES_PER_ANCHOR = 5;
const LEAK = 0.1;
const CHANNELS = [16, 32, 64, 128, 256, 512] as const;

/**
 * Tiny YOLOv2 with separable convolutions (Redmon & Farhadi 2017, as face-api.js cut it down): [1, 3, height, width], both free
 * multiples of 32, to `grid` [1, 25, height / 32, width / 32], channel = anchor × 5 + value.
 */
export function tinyYoloGraph(weights: WeightSet): Uint8Array {
  const graph = new OnnxGraph('tiny-yolo-face', 17);
  const net = new LayerStack(graph, weights);
  const input = graph.input('image', [1, 3, 'height', 'width']);
  // Pooled before it is activated: both grow with their input, so the result is the same to the bit on a quarter of the values.
  const activatedPool = (out: string, stride: number, pads: Pads): string =>
    net.leaky(net.maxPool(out, 2, stride, pads), LEAK);
  let out = net.conv(input, net.plainKernel('conv0/filters', 'conv0/bias', 3, 3, 16));
  CHANNELS.slice(1).forEach((channels, i) => {
    // The first convolution takes a frame of one pixel off, so the second pooling alone sees an odd side.
    out = activatedPool(out, 2, i === 1 ? SAME_END : NO_PADS);
    out = net.separable(out, `conv${i + 1}`, CHANNELS[i] ?? 0, channels, { pads: SAME_3X3 });
  });
  out = activatedPool(out, 1, SAME_END);
  const values = TINY_YOLO_ANCHORS.length * VALUES_PER_ANCHOR;
  const grid = net.conv(out, net.plainKernel('conv8/filters', 'conv8/bias', 1, 512, values));
  graph.node('Identity', [grid], ['grid']);
  graph.output('grid', [1, values, 'rows', 'columns']);
  return graph.encode();
}
