import type { CardDraft } from '../write';
import { MBF_CARD, MBF_INT8_CARD, MOBILEFACENET_CARD, SFACE_CARD } from './catalog-encoders';
import { MINIFAS_CARD, yuNetCard } from './catalog-detectors';

/** How a published file becomes a bundle. */
export type Importer = 'onnx' | 'espdl' | 'espdl-int8';

/** A published model file, pinned to the byte. The repository holds this entry, never the weights. */
export interface CatalogEntry {
  readonly name: string;
  /** Name of the file in a mirror or folder, and in the cache. */
  readonly file: string;
  /** Addresses of the very same bytes, first choice first. */
  readonly urls: readonly string[];
  readonly sha256: string;
  readonly bytes: number;
  readonly importer: Importer;
  /** Listed for those who want it by name: never part of a pull that names nothing. */
  readonly onlyByName: boolean;
  readonly card: CardDraft;
  /** Height and width of the golden input. */
  readonly goldenSize: readonly [number, number];
}

const YUNET_TRAIN = 'ShiqiYu/libfacedetection.train/0047ac24afb1a50a0c6105001c89d1b5b805dbf1';
const OPENCV_ZOO = 'opencv/opencv_zoo/966be4cb6eefc2a4f586ed0581bf4bbaa2533070';
const ESP_DL = 'espressif/esp-dl/12c0616de145b704e1149c474b9a1e852e631d67';
const MOBILEFACENET = 'foamliu/MobileFaceNet/a6cc9032a659b615f477833e1a70b5e7931bcccc';
const FACE_ANTISPOOF = 'johnraivenolazo/face-antispoof-onnx/2b9830bb0eccafddcf0abcedf5c6ad506f0a1142';

const raw = (revision: string, path: string): string => `https://raw.githubusercontent.com/${revision}/${path}`;
/** Files that a repository keeps in Git LFS are served from here; the raw address gives their pointer. */
const lfs = (revision: string, path: string): string => `https://media.githubusercontent.com/media/${revision}/${path}`;

export const CATALOG: readonly CatalogEntry[] = [
  {
    name: 'yunet-n',
    file: 'yunet_n_dynamic.onnx',
    urls: [raw(YUNET_TRAIN, 'onnx/yunet_n_dynamic.onnx')],
    sha256: '104ee26c71d5c270ce79a6b3dced91c91013260d29a6bf18f9296c5b8c4c2b12',
    bytes: 322_906,
    importer: 'onnx',
    onlyByName: false,
    card: yuNetCard('n'),
    goldenSize: [192, 320],
  },
  {
    name: 'yunet-s',
    file: 'yunet_s_dynamic.onnx',
    urls: [raw(YUNET_TRAIN, 'onnx/yunet_s_dynamic.onnx')],
    sha256: 'daede24002cc8590f457998cc5e6c9e8b82f45f6bd969506a8913cd4ed10a2d3',
    bytes: 237_823,
    importer: 'onnx',
    onlyByName: false,
    card: yuNetCard('s'),
    goldenSize: [192, 320],
  },
  {
    name: 'yunet-640',
    file: 'face_detection_yunet_2023mar.onnx',
    urls: [
      lfs(OPENCV_ZOO, 'models/face_detection_yunet/face_detection_yunet_2023mar.onnx'),
      raw(YUNET_TRAIN, 'onnx/yunet_s_640_640.onnx'),
    ],
    sha256: '8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4',
    bytes: 232_589,
    importer: 'onnx',
    onlyByName: false,
    card: yuNetCard('640'),
    goldenSize: [640, 640],
  },
  {
    name: 'mbf',
    file: 'human_face_feat_mbf_s8_v1.espdl',
    urls: [raw(ESP_DL, 'models/human_face_recognition/models/p4/human_face_feat_mbf_s8_v1.espdl')],
    sha256: '0cd2629f7111b821f419531d0d3ff33d81018391fa57039acd1022a4531cfd48',
    bytes: 3_522_832,
    importer: 'espdl',
    onlyByName: false,
    card: MBF_CARD,
    goldenSize: [112, 112],
  },
  {
    name: 'mbf-int8',
    file: 'human_face_feat_mbf_s8_v1.espdl',
    urls: [raw(ESP_DL, 'models/human_face_recognition/models/p4/human_face_feat_mbf_s8_v1.espdl')],
    sha256: '0cd2629f7111b821f419531d0d3ff33d81018391fa57039acd1022a4531cfd48',
    bytes: 3_522_832,
    importer: 'espdl-int8',
    onlyByName: true,
    card: MBF_INT8_CARD,
    goldenSize: [112, 112],
  },
  {
    name: 'mobilefacenet',
    file: 'mobilefacenet_foamliu.onnx',
    urls: [raw(MOBILEFACENET, 'weights/MobileFaceNet.onnx')],
    sha256: 'b7120c095d60094f28a4a54ba6a8bf51b297a6273fb40ef6350dfec1f63d9507',
    bytes: 3_998_070,
    importer: 'onnx',
    onlyByName: false,
    card: MOBILEFACENET_CARD,
    goldenSize: [112, 112],
  },
  {
    name: 'minifas',
    file: 'minifas_johnraivenolazo.onnx',
    urls: [raw(FACE_ANTISPOOF, 'models/best/98.20/best_model.onnx')],
    sha256: 'af2381b88f38769222ed93379e12444e2a50814575de1c46170de570c55a42b6',
    bytes: 1_912_594,
    importer: 'onnx',
    onlyByName: false,
    card: MINIFAS_CARD,
    goldenSize: [128, 128],
  },
  {
    name: 'sface',
    file: 'face_recognition_sface_2021dec.onnx',
    urls: [lfs(OPENCV_ZOO, 'models/face_recognition_sface/face_recognition_sface_2021dec.onnx')],
    sha256: '0ba9fbfa01b5270c96627c4ef784da859931e02f04419c829e83484087c34e79',
    bytes: 38_696_353,
    importer: 'onnx',
    onlyByName: true,
    card: SFACE_CARD,
    goldenSize: [112, 112],
  },
];

export function catalogEntry(name: string): CatalogEntry | undefined {
  return CATALOG.find((entry) => entry.name === name);
}
