import type { Card, CardOutput, ImageInput, ThresholdRow } from '../../inference/card';
import type { CardDraft } from '../write';

/** Where the five landmarks lie on 112×112 in ArcFace's alignment (Deng et al., 2019; github.com/deepinsight/insightface). */
const ARCFACE_TEMPLATE: NonNullable<Card['alignment']> = {
  kind: 'five-point',
  template: [
    [38.2946, 51.6963],
    [73.5318, 51.5014],
    [56.0252, 71.7366],
    [41.5493, 92.3655],
    [70.7299, 92.2041],
  ],
};

/**
 * Rows from two data sets. London (studio pictures of 102 people in one light) where its 20,604 impostor pairs suffice: 1e-2 and
 * 1e-3. LFW (press photographs, tens of millions of pairs) below. London's people resemble one another more, as pictures of
 * one door camera will: LFW's distance for 1e-4 accepts 9e-4 of the impostor pairs there (mbf; mobilefacenet 5e-4). Beyond
 * what was measured the line goes on in steps as wide as the widest between measured rows, per power of ten.
 */
const LONDON = 'Face Research Lab London Set, 20,604 impostor pairs, 0 of 102 genuine pairs missed';
const EXTRAPOLATED = 'extrapolated, not measured: too few pairs';
const LFW = 'LFW, all pairs, YuNet alignment, mirrored averaging';

/** Of unit vectors: distance² = 2 − 2·cosine. Rounded down, so that rounding never loosens a door. */
export function distanceOfCosine(cosine: number): number {
  return Math.floor(Math.sqrt(2 - 2 * cosine) * 10_000) / 10_000;
}

function embedding(space: string, dimensions: number, output: string, thresholds: ThresholdRow[]) {
  return {
    decoding: 'embedding',
    output,
    dimensions,
    space,
    normalise: true,
    mirror: true,
    thresholds,
  } satisfies CardOutput<'embedding'>;
}

function arcFaceInput(name: string, colour: 'RGB' | 'BGR', mean: ImageInput['mean'], scale: ImageInput['scale']) {
  return {
    kind: 'image',
    name,
    layout: 'NCHW',
    colour,
    width: 112,
    height: 112,
    multiple: 1,
    mean,
    scale,
  } satisfies ImageInput;
}

export const MBF_CARD: CardDraft = {
  task: 'face-encoding',
  name: 'mbf',
  version: '1.0.0',
  summary: 'Turns a face into 512 numbers to compare by. The most accurate of the catalog; the choice for a door.',
  set: 'recommended',
  licence: {
    spdx: 'MIT',
    origin:
      'github.com/espressif/esp-dl at 12c0616d, human_face_feat_mbf_s8_v1.espdl (Espressif); int8 weights decoded to float by usher',
    trainingData: 'undisclosed',
  },
  input: arcFaceInput('input', 'RGB', [127.5, 127.5, 127.5], [127.5, 127.5, 127.5]),
  output: embedding('mbf-espressif-v1', 512, 'output', [
    { fmr: 1e-2, distance: 1.2551, fnmr: 0, measuredOn: LONDON },
    { fmr: 1e-3, distance: 1.2043, fnmr: 0, measuredOn: LONDON },
    { fmr: 1e-4, distance: distanceOfCosine(0.277), fnmr: 0.0099, measuredOn: LFW },
    { fmr: 1e-5, distance: distanceOfCosine(0.325), fnmr: 0.02, measuredOn: LFW },
    { fmr: 1e-6, distance: 1.1111, fnmr: null, measuredOn: EXTRAPOLATED },
  ]),
  alignment: ARCFACE_TEMPLATE,
  figures: [
    { name: 'faces.accuracy_10fold', value: 0.995, unit: 'ratio', data: 'LFW, 6,000 pairs, mirrored averaging' },
    { name: 'faces.fnmr_at_fmr_1e-3', value: 0.0056, unit: 'ratio', data: LFW },
    { name: 'faces.fnmr_at_fmr_1e-4', value: 0.0099, unit: 'ratio', data: LFW },
    { name: 'faces.fnmr_at_fmr_1e-5', value: 0.02, unit: 'ratio', data: LFW },
    { name: 'faces.fnir_at_fpir_1e-2', value: 0.022, unit: 'ratio', data: 'LFW, open set, 500 enrolled' },
    { name: 'faces.tar_at_far_1e-4', value: 0.9394, unit: 'ratio', data: 'IJB-C, as published by Espressif' },
  ],
};

const FLOAT_ROW =
  'LFW with the float form (mbf); the 8-bit form was not measured there, its London distances agree within 0.003';

/** Its vectors are similar to mbf's, but not similar enough to compare, so it has its own space. */
export const MBF_INT8_CARD: CardDraft = {
  ...MBF_CARD,
  name: 'mbf-int8',
  summary:
    'mbf in 8-bit arithmetic: about half its time on a CPU with 8-bit instructions (VNNI), slightly other vectors. For weak boxes; measure before use.',
  set: null,
  licence: {
    ...MBF_CARD.licence,
    origin:
      'github.com/espressif/esp-dl at 12c0616d, human_face_feat_mbf_s8_v1.espdl (Espressif); converted to 8-bit ONNX by usher',
  },
  output: embedding('mbf-espressif-int8-v1', 512, 'output', [
    { fmr: 1e-2, distance: 1.2576, fnmr: 0, measuredOn: LONDON },
    { fmr: 1e-3, distance: 1.2034, fnmr: 0, measuredOn: LONDON },
    { fmr: 1e-4, distance: distanceOfCosine(0.277), fnmr: null, measuredOn: FLOAT_ROW },
    { fmr: 1e-5, distance: distanceOfCosine(0.325), fnmr: null, measuredOn: FLOAT_ROW },
    { fmr: 1e-6, distance: 1.1111, fnmr: null, measuredOn: EXTRAPOLATED },
  ]),
  figures: [
    {
      name: 'faces.cosine_to_float_mean',
      value: 0.985,
      unit: 'cosine',
      data: 'vectors of this and of mbf, 204 London pictures; smallest 0.965',
    },
  ],
};

export const MOBILEFACENET_CARD: CardDraft = {
  task: 'face-encoding',
  name: 'mobilefacenet',
  version: '1.0.0',
  summary: 'Turns a face into 128 numbers to compare by. Faster than mbf and less accurate; for weak boxes.',
  set: 'recommended',
  licence: {
    spdx: 'Apache-2.0',
    origin: 'github.com/foamliu/MobileFaceNet at a6cc9032, weights/MobileFaceNet.onnx (uploaded by a contributor)',
    trainingData: 'MS-Celeb-1M, refined (photographs from the web; withdrawn by its publisher)',
  },
  input: arcFaceInput('input0', 'RGB', [123.675, 116.28, 103.53], [58.395, 57.12, 57.375]),
  output: embedding('mobilefacenet-foamliu-v1', 128, 'output0', [
    { fmr: 1e-2, distance: 1.1876, fnmr: 0, measuredOn: LONDON },
    { fmr: 1e-3, distance: 1.1084, fnmr: 0, measuredOn: LONDON },
    { fmr: 1e-4, distance: distanceOfCosine(0.404), fnmr: 0.036, measuredOn: LFW },
    { fmr: 1e-5, distance: 1.0125, fnmr: null, measuredOn: EXTRAPOLATED },
    { fmr: 1e-6, distance: 0.9333, fnmr: null, measuredOn: EXTRAPOLATED },
  ]),
  alignment: ARCFACE_TEMPLATE,
  figures: [
    { name: 'faces.accuracy_10fold', value: 0.9922, unit: 'ratio', data: 'LFW, 6,000 pairs, mirrored averaging' },
    { name: 'faces.fnmr_at_fmr_1e-3', value: 0.015, unit: 'ratio', data: LFW },
    { name: 'faces.fnmr_at_fmr_1e-4', value: 0.036, unit: 'ratio', data: LFW },
  ],
};

export const SFACE_CARD: CardDraft = {
  task: 'face-encoding',
  name: 'sface',
  version: '2021.12.0',
  summary: 'Turns a face into 128 numbers to compare by. Listed for those who know it; not run by us.',
  set: null,
  licence: {
    spdx: 'Apache-2.0',
    origin: 'github.com/opencv/opencv_zoo at 966be4cb, face_recognition_sface_2021dec.onnx (Zhong and others)',
    trainingData: 'CASIA-WebFace, VGGFace2 and MS1MV2, after its paper; not stated for this file',
  },
  input: arcFaceInput('data', 'BGR', [0, 0, 0], [1, 1, 1]),
  output: {
    ...embedding('sface-2021dec', 128, 'fc1', [
      {
        fmr: 0.012,
        distance: 1.128,
        fnmr: null,
        measuredOn:
          'published threshold; not run by us. Its false-match rate is not published: 99.40 % of 6,000 LFW pairs bound it to 1.2 %',
      },
    ]),
    mirror: false,
  },
  alignment: ARCFACE_TEMPLATE,
  figures: [{ name: 'faces.accuracy_10fold', value: 0.994, unit: 'ratio', data: 'LFW, as published; not run by us' }],
};
