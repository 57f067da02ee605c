import type { CardDraft } from '../write';

type YuNetSize = 'n' | 's' | '640';

const WIDER_FACE = 'WIDER FACE (photographs collected from the web; people in them gave no consent to this use)';

const YUNET_SUMMARY: Record<YuNetSize, string> = {
  n: 'Finds faces and their eyes, nose and mouth corners. The larger and surer of the two with free picture size; the usual choice.',
  s: 'Finds faces and their eyes, nose and mouth corners. The smaller and faster of the two with free picture size.',
  '640':
    'Finds faces and their eyes, nose and mouth corners at a fixed 640×640. For accelerators that want one fixed size.',
};

/** YuNet: 0–255 BGR in, per stride 8, 16 and 32 class and objectness scores, box and five landmarks. */
export function yuNetCard(size: YuNetSize): CardDraft {
  const fixed = size === '640' ? 640 : null;
  return {
    task: 'face-detection',
    name: `yunet-${size}`,
    version: '2023.3.0',
    summary: YUNET_SUMMARY[size],
    set: 'recommended',
    licence:
      size === '640'
        ? {
            spdx: 'MIT',
            origin: 'github.com/opencv/opencv_zoo at 966be4cb, face_detection_yunet_2023mar.onnx (Shiqi Yu and others)',
            trainingData: WIDER_FACE,
          }
        : {
            spdx: 'Apache-2.0',
            origin: `github.com/ShiqiYu/libfacedetection.train at 0047ac24, onnx/yunet_${size}_dynamic.onnx`,
            trainingData: WIDER_FACE,
          },
    input: {
      kind: 'image',
      name: 'input',
      layout: 'NCHW',
      colour: 'BGR',
      width: fixed,
      height: fixed,
      multiple: 32,
      mean: [0, 0, 0],
      scale: [1, 1, 1],
    },
    output: { decoding: 'yunet', strides: [8, 16, 32], scoreThreshold: 0.5, iouThreshold: 0.3 },
    alignment: null,
    figures: [
      {
        name: 'faces.detection_ap_hard',
        value: size === 'n' ? 0.811 : 0.768,
        unit: 'ratio',
        data: 'WIDER FACE validation, hard; as published',
      },
    ],
  };
}

export const MINIFAS_CARD: CardDraft = {
  task: 'face-liveness',
  name: 'minifas',
  version: '1.0.0',
  summary:
    'Tells a live face from a picture or screen held to the camera, from one frame. Hinders the casual attempt; no protection against a good print or mask.',
  set: 'recommended',
  licence: {
    spdx: 'Apache-2.0',
    origin: 'github.com/johnraivenolazo/face-antispoof-onnx at 2b9830bb, models/best/98.20/best_model.onnx',
    trainingData: 'CelebA-Spoof (celebrity photographs; research licence)',
  },
  input: {
    kind: 'image',
    name: 'input',
    layout: 'NCHW',
    colour: 'RGB',
    width: 128,
    height: 128,
    multiple: 1,
    mean: [0, 0, 0],
    scale: [255, 255, 255],
  },
  // On tight crops it calls everything live: it judges the surroundings of the face too.
  output: { decoding: 'live-spoof-logits', output: 'output', liveIndex: 0, cropScale: 1.5 },
  alignment: null,
  figures: [
    { name: 'liveness.accuracy', value: 0.982, unit: 'ratio', data: 'CelebA-Spoof, as published by its author' },
  ],
};
