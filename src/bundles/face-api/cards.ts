import type { CardDraft } from '../write';
import { TINY_YOLO_ANCHORS } from './tiny-yolo-face';
import type { ThresholdRow } from '../../inference/card';

const VERSION = '1.0.0';
const WARNING =
  'Part of the fallback set, for machines that reach the npm registry alone: a door should not run on it unknowingly';
const IMAGE = { kind: 'image', name: 'image', layout: 'NCHW', colour: 'RGB', multiple: 1 } as const;
const BYTE: [number, number, number] = [255, 255, 255];
/** faceFeatureExtractor/FaceFeatureExtractor.ts and faceRecognitionNet/FaceRecognitionNet.ts of the package. */
const FACE_MEAN: [number, number, number] = [122.782, 117.001, 104.298];

/** @param source package and version that the weights come from */
export function tinyYoloCard(source: string): CardDraft {
  return {
    task: 'face-detection',
    name: 'tiny-yolo-face',
    version: VERSION,
    summary: `Tiny YOLOv2 face detector with separable convolutions; no landmarks. ${WARNING}`,
    set: 'fallback',
    licence: {
      spdx: 'MIT',
      origin: `tiny_face_detector_model of ${source}; weights by Vincent Mühler, face-api.js`,
      trainingData: 'about 14,000 pictures labelled with face boxes by the author of face-api.js (not published)',
    },
    input: {
      ...IMAGE,
      width: null,
      height: null,
      multiple: 32,
      mean: [117.001, 114.697, 97.404],
      scale: BYTE,
    },
    output: {
      decoding: 'tiny-yolo-v2',
      output: 'grid',
      anchors: TINY_YOLO_ANCHORS,
      cellPx: 32,
      scoreThreshold: 0.5,
      iouThreshold: 0.4,
    },
    alignment: null,
    figures: [],
  };
}

export function landmarksCard(source: string): CardDraft {
  return {
    task: 'face-landmarks',
    name: 'landmarks-68',
    version: VERSION,
    summary: `68 face landmarks (iBUG 300-W mark-up) in a detector's box. ${WARNING}`,
    set: 'fallback',
    licence: {
      spdx: 'MIT',
      origin: `face_landmark_68_model of ${source}; weights by Vincent Mühler, face-api.js`,
      trainingData: 'about 35,000 face pictures labelled with 68 points by the author of face-api.js (not published)',
    },
    input: { ...IMAGE, width: 112, height: 112, mean: FACE_MEAN, scale: BYTE },
    output: { decoding: 'face-api-landmarks-68', output: 'landmarks' },
    alignment: null,
    figures: [],
  };
}

export function resnetCard(source: string): CardDraft {
  const lfw = 'LFW, all pairs, with tiny-yolo-face and landmarks-68';
  return {
    task: 'face-encoding',
    name: 'face-api-resnet',
    version: VERSION,
    summary:
      'ResNet of dlib as face-api.js carries it, 128 dimensions, not normalised. ' +
      `Misses 11 % of members at FMR 1e-3 and 38 % at 1e-4 on LFW. ${WARNING}`,
    set: 'fallback',
    licence: {
      spdx: 'MIT',
      origin: `face_recognition_model of ${source}; weights by Davis King, dlib_face_recognition_resnet_model_v1 (dlib-models, CC0-1.0), quantised by Vincent Mühler`,
      trainingData: 'about 3 million faces of 7,485 people: FaceScrub, VGG Face and pictures found on the web',
    },
    input: { ...IMAGE, width: 150, height: 150, mean: FACE_MEAN, scale: BYTE },
    output: {
      decoding: 'embedding',
      output: 'embedding',
      dimensions: 128,
      space: 'face-api-resnet-v1',
      normalise: false,
      mirror: false,
      thresholds: FALLBACK_THRESHOLDS,
    },
    alignment: { kind: 'face-api-box' },
    figures: [
      { name: 'faces.fnmr_at_fmr_1e-3', value: 0.11, unit: 'ratio', data: lfw },
      { name: 'faces.fnmr_at_fmr_1e-4', value: 0.38, unit: 'ratio', data: lfw },
      { name: 'faces.accuracy_10fold', value: 0.979, unit: 'ratio', data: 'LFW, 6,000 pairs' },
    ],
  };
}

const LONDON =
  'Face Research Lab London Set, 20,604 impostor and 102 genuine pairs, with tiny-yolo-face and landmarks-68';
const CAUTION =
  'frontal and evenly lit, so expect more misses at a door: on LFW the encoder misses 11 % at 1e-3, 38 % at 1e-4';

/**
 * L2 distances of face-api-resnet by false-match rate. Where the London pairs reach (1e-2, 1e-3), the distance at which the
 * upper 95 % confidence bound of the false-match rate (Poisson) still meets the row, rounded down. Beyond, the lower tail of the
 * impostor distances is taken for a normal distribution through those two rows, rounded down again; the observed distances
 * fall less steeply. The default of the library and of dlib, 0.6, lets about one in a hundred pairs pass here and answers none of these rows.
 */
export const FALLBACK_THRESHOLDS: ThresholdRow[] = [
  { fmr: 1e-2, distance: 0.59, fnmr: 0, measuredOn: `${LONDON}; ${CAUTION}` },
  { fmr: 1e-3, distance: 0.48, fnmr: 0, measuredOn: `${LONDON}; ${CAUTION}` },
  {
    fmr: 1e-4,
    distance: 0.39,
    fnmr: 0.0098,
    measuredOn: `EXTRAPOLATED, 2 pairs are no measurement: ${LONDON}; ${CAUTION}`,
  },
  { fmr: 1e-5, distance: 0.3, fnmr: 0.1176, measuredOn: `EXTRAPOLATED: ${LONDON}; ${CAUTION}` },
];
