import { createRequire } from 'node:module';
import path from 'node:path';
import type * as FaceApi from '@vladmandic/face-api/dist/face-api.node-wasm';
import { messageOf, UsherError } from '../../errors';
import type { Box } from '../../events';
import type { Frame, Point } from '../../vision/picture/frame';

export interface FaceApiDetection {
  readonly box: Box;
  readonly score: number;
}

export interface FaceApiFace extends FaceApiDetection {
  /** 68 points in frame pixels. */
  readonly landmarks: readonly Point[];
  /** 128 numbers, not normalised. */
  readonly descriptor: Float32Array;
}

export interface FaceApiOptions {
  /** Side of the detector's input, a multiple of 32. */
  readonly inputSize: number;
  /** Default 0.5, the library's own. */
  readonly scoreThreshold?: number;
}

/** Exports of tfjs's node-wasm build in addition to its declared types. */
interface TensorFlow {
  setBackend(name: string): Promise<boolean>;
  ready(): Promise<void>;
  getBackend(): string;
}

const PACKAGE = '@vladmandic/face-api';

/**
 * The library that the fallback set comes from, run as its documentation shows: on tfjs with the WebAssembly backend
 * (one thread, SIMD). Only a reference for the accuracy and speed of the fallback set.
 */
export class FaceApiReference {
  private library: typeof FaceApi | null = null;

  /** @throws UsherError `dependency-missing` if the package, tfjs or the backend cannot be loaded */
  async load(): Promise<void> {
    if (this.library !== null) return;
    try {
      // Loaded here and not imported: tfjs loads slowly, and only comparisons need it.
      const library = createRequire(__filename)(`${PACKAGE}/dist/face-api.node-wasm.js`) as typeof FaceApi;
      const tensorFlow = library.tf as unknown as TensorFlow;
      if (!(await tensorFlow.setBackend('wasm'))) throw new Error('the wasm backend of tfjs did not start');
      await tensorFlow.ready();
      const weights = path.join(path.dirname(require.resolve(`${PACKAGE}/package.json`)), 'model');
      await library.nets.tinyFaceDetector.loadFromDisk(weights);
      await library.nets.faceLandmark68Net.loadFromDisk(weights);
      await library.nets.faceRecognitionNet.loadFromDisk(weights);
      this.library = library;
    } catch (error) {
      throw new UsherError('dependency-missing', `${PACKAGE} on tfjs-wasm cannot be loaded: ${messageOf(error)}`, {
        remedy: 'Run npm ci in usher’s folder.',
        cause: error,
      });
    }
  }

  /** `detectAllFaces` with the Tiny Face Detector; best score first. */
  async detect(frame: Frame, options: FaceApiOptions): Promise<FaceApiDetection[]> {
    const library = this.loaded();
    return this.withTensor(frame, async (picture) => {
      const found = await library.detectAllFaces(picture, this.detectorOptions(options));
      return found.map(({ box, score }) => ({ box: plainBox(box), score }));
    });
  }

  /** `detectAllFaces().withFaceLandmarks().withFaceDescriptors()`: from a frame to its faces. */
  async describe(frame: Frame, options: FaceApiOptions): Promise<FaceApiFace[]> {
    const library = this.loaded();
    return this.withTensor(frame, async (picture) => {
      const task = library.detectAllFaces(picture, this.detectorOptions(options));
      const faces = await task.withFaceLandmarks().withFaceDescriptors();
      return faces.map(({ detection, landmarks, descriptor }) => ({
        box: plainBox(detection.box),
        score: detection.score,
        landmarks: landmarks.positions.map(({ x, y }) => ({ x, y })),
        descriptor,
      }));
    });
  }

  /** The library's 1:N search over one descriptor a person; labels are `person 1`, `person 2`, … in the order given. */
  matcher(descriptors: readonly Float32Array[], distanceThreshold = 0.6): FaceApiMatcher {
    const library = this.loaded();
    const matcher = new library.FaceMatcher([...descriptors], distanceThreshold);
    return { findBestMatch: (query) => matcher.findBestMatch(query) };
  }

  private detectorOptions({ inputSize, scoreThreshold = 0.5 }: FaceApiOptions): FaceApi.TinyFaceDetectorOptions {
    return new (this.loaded().TinyFaceDetectorOptions)({ inputSize, scoreThreshold });
  }

  private async withTensor<T>(frame: Frame, use: (picture: FaceApi.tf.Tensor3D) => Promise<T>): Promise<T> {
    const picture = this.loaded().tf.tensor3d(frame.data, [frame.height, frame.width, 3], 'int32');
    try {
      return await use(picture);
    } finally {
      picture.dispose();
    }
  }

  private loaded(): typeof FaceApi {
    if (this.library === null) throw new Error('FaceApiReference: call load() first');
    return this.library;
  }
}

export interface FaceApiMatcher {
  /** The nearest person, or `unknown` beyond the threshold, with the L2 distance. */
  findBestMatch(query: Float32Array): { readonly label: string; readonly distance: number };
}

function plainBox({ x, y, width, height }: Box): Box {
  return { x, y, width, height };
}
