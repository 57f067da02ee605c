import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, UsherError } from '../../errors';
import type { Liveness, LivenessState } from '../../events';
import type { FaceAnalyser } from '../../vision/faces/analyser';
import type { Frame } from '../../vision/picture/frame';
import { LEAST_SCORES } from '../../vision/liveness/judge';
import type { LivenessModel } from '../../vision/liveness/model';
import { LivenessWatch } from '../../vision/liveness/watch';
import { encodeJpeg, readPicture } from '../../vision/picture/picture';
import type { FaceDataset } from '../faces/data/dataset';
import { streamSeed } from '../../random';
import { ATTACKS, type Presentation } from './attacks';
import { matteOf, type Portrait } from './portrait';
import { presentFrames } from './present';

export const PRESENTATIONS: readonly Presentation[] = ['bona-fide', ...ATTACKS];

export interface JudgedPresentation {
  readonly kind: Presentation;
  readonly person: number;
  readonly seed: number;
  /** Logits of the frames that were scored. */
  readonly scores: readonly number[];
  /** The door's result: `live` if any frame on which it could have opened said so, else the last verdict. */
  readonly verdict: LivenessState;
  /** The result of a door with `motion: require`: live after the landmarks moved as those of a head do. */
  readonly liveInDepth: boolean;
  readonly motion: Liveness['motion'];
  /** Frames in which a face was found and not refused. */
  readonly faces: number;
}

export interface LivenessTrial {
  readonly presentations: readonly JudgedPresentation[];
  /** Median time of one scored frame, crop included. */
  readonly msPerScore: number;
}

export interface TrialOptions {
  readonly seed: number;
  /** Of each presentation. */
  readonly frames: number;
  readonly persons: number;
  readonly onProgress?: (share: number) => void;
}

/** Between the frames of a presentation: one and a half seconds before the door in all. */
export const FRAME_MS = 200;

/**
 * Presents every person in every way (see `presentFrames`), runs the vision child's code on the frames, and records
 * whether the door would have accepted the presentation as live.
 * @param scenes pictures of places for the background
 */
export async function tryLiveness(
  dataset: Pick<FaceDataset, 'pictures' | 'persons'>,
  scenes: readonly string[],
  analyser: FaceAnalyser,
  model: LivenessModel,
  { seed, frames, persons, onProgress }: TrialOptions,
): Promise<LivenessTrial> {
  const times: number[] = [];
  const timed = {
    running: model.running,
    dispose: () => model.dispose(),
    score: async (frame: Frame, box: Parameters<LivenessModel['score']>[1]): Promise<number | null> => {
      const startedAt = performance.now();
      const score = await model.score(frame, box);
      times.push(performance.now() - startedAt);
      return score;
    },
  };
  const presentations: JudgedPresentation[] = [];
  const chosen = dataset.persons.slice(0, persons);
  for (const person of chosen.keys()) {
    const file = dataset.pictures.find((one) => one.person === person)?.file ?? '';
    const portrait = await portraitOf(file, analyser);
    if (portrait === null) continue;
    const scene = await readPicture(scenes[streamSeed(seed, 5, person) % scenes.length] ?? '');
    for (const [index, kind] of PRESENTATIONS.entries()) {
      const own = streamSeed(seed, 6, person, index);
      const shown = presentFrames(kind, portrait, scene, own, frames);
      const encoded: Frame[] = [];
      for (const { frame, jpegQuality } of shown) encoded.push(await readPicture(await encodeJpeg(frame, jpegQuality)));
      presentations.push({ kind, person, seed: own, ...(await judge(encoded, analyser, timed)) });
    }
    onProgress?.((person + 1) / chosen.length);
  }
  times.sort((a, b) => a - b);
  return { presentations, msPerScore: times[times.length >> 1] ?? NaN };
}

async function judge(
  frames: readonly Frame[],
  analyser: FaceAnalyser,
  model: Pick<LivenessModel, 'score' | 'running' | 'dispose'>,
): Promise<Pick<JudgedPresentation, 'scores' | 'verdict' | 'liveInDepth' | 'motion' | 'faces'>> {
  const scores: number[] = [];
  const watch = new LivenessWatch({
    ...model,
    score: async (frame, box) => {
      const score = await model.score(frame, box);
      if (score !== null) scores.push(score);
      return score;
    },
  });
  let last: Liveness | null = null;
  let live = false;
  let liveInDepth = false;
  let faces = 0;
  for (const [index, frame] of frames.entries()) {
    const { subject } = await analyser.live(frame);
    if (subject === null) continue;
    if (subject.refusal === null) faces++;
    last = await watch.observe(index * FRAME_MS, 1, frame, subject);
    const liveNow = last.state === 'live' && faces >= LEAST_SCORES;
    live ||= liveNow;
    liveInDepth ||= liveNow && last.motion === 'depth';
  }
  const verdict = live ? 'live' : (last?.state ?? 'undecided');
  return { scores, verdict, liveInDepth, motion: last?.motion ?? 'still', faces };
}

/** Null if no face is found. */
export async function portraitOf(file: string, analyser: FaceAnalyser): Promise<Portrait | null> {
  const picture = await readPicture(file);
  const { faces } = await analyser.still(picture);
  const [face] = [...faces].sort((a, b) => b.box.width - a.box.width);
  return face === undefined ? null : { picture, face: face.box, matte: matteOf(picture, face.box) };
}

/** Picture files under a folder and its folders. @throws UsherError data-invalid when there are none */
export async function scenePictures(folder: string): Promise<string[]> {
  let names: string[];
  try {
    names = await readdir(folder, { recursive: true });
  } catch (error) {
    throw new UsherError('data-invalid', `${folder} cannot be read: ${messageOf(error)}`, { cause: error });
  }
  const files = names.filter((name) => /\.(jpe?g|png)$/i.test(name)).sort();
  if (files.length === 0)
    throw new UsherError('data-invalid', `${folder} contains no pictures`, {
      remedy: 'Name a folder of pictures of places.',
    });
  return files.map((name) => join(folder, name));
}
