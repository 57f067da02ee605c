import type { FaceAnalyser } from '../../../vision/faces/analyser';
import { FusedEmbedding } from '../../../vision/faces/fusion';
import { encodeJpeg, readPicture } from '../../../vision/picture/picture';
import type { Frame } from '../../../vision/picture/frame';
import { CLUSTER_METHODS, partition, type ClusterMethod } from '../../../visitors/clusters/partition';
import { type Labels, pointsOf } from '../../../visitors/clusters/points';
import { clusterScores, type ClusterScores } from './cluster-scores';
import type { FaceDataset } from '../data/dataset';
import { doorFrames } from '../data/door-view';
import { centralFace, readAhead } from '../data/encode-pictures';
import { atLeast, withGoal, type Figure } from '../../report/figure';
import { seededRandom, streamSeed } from '../../../random';
import { linearAxis } from '../../report/svg-axes';
import { colourOf, plotSvg } from '../../report/svg-plot';

/** One visit of a person at the door, as the door saw it. */
export interface TriedVisit {
  readonly person: number;
  /** Index into the data set's pictures. */
  readonly picture: number;
  readonly vector: Float32Array;
  /** The middle frame, for a person to look at. */
  readonly frame: Frame;
}

export interface Visits {
  readonly visits: readonly TriedVisit[];
  /** Visits without a frame in which a face could be encoded: the door would not have noticed them. */
  readonly unseen: number;
}

const FRAMES = 5;

/**
 * Makes one visit of each picture: five frames at a door (`doorFrames`), encoded like live frames and fused by the
 * class that runs live. Two pictures of a person are two visits of that person.
 */
export async function visitsOf(
  dataset: FaceDataset,
  analyser: Pick<FaceAnalyser, 'still' | 'dimensions'>,
  { seed, normalise, onProgress }: { seed: number; normalise: boolean; onProgress?: (share: number) => void },
): Promise<Visits> {
  const visits: TriedVisit[] = [];
  let picture = 0;
  for await (const still of readAhead(dataset.pictures.map(({ file }) => file))) {
    const face = typeof still === 'string' ? null : centralFace((await analyser.still(still)).faces, still);
    if (typeof still !== 'string' && face !== null) {
      const fusion = new FusedEmbedding(analyser.dimensions, normalise, FRAMES);
      const frames = doorFrames(still, face.box, streamSeed(seed, picture), undefined, FRAMES);
      for (const { frame, jpegQuality } of frames) {
        const seen = await readPicture(await encodeJpeg(frame, jpegQuality), { name: 'a frame at the door' });
        const found = centralFace((await analyser.still(seen)).faces, seen);
        if (found?.embedding) fusion.add(found.embedding, found.quality.score);
      }
      const middle = frames[FRAMES >> 1]?.frame;
      if (fusion.frames > 0 && middle !== undefined)
        visits.push({ person: dataset.pictures[picture]?.person ?? -1, picture, vector: fusion.mean(), frame: middle });
    }
    picture++;
    onProgress?.(picture / dataset.pictures.length);
  }
  return { visits, unseen: dataset.pictures.length - visits.length };
}

export interface ClusterEvaluation {
  readonly reach: number;
  readonly unseen: number;
  readonly methods: readonly {
    readonly method: ClusterMethod;
    readonly labels: Labels;
    readonly scores: ClusterScores;
  }[];
  /** Scores at other distances, to show how near the distance in use is to a limit. */
  readonly sweep: readonly { readonly method: ClusterMethod; readonly reach: number; readonly scores: ClusterScores }[];
}

const SWEEP = Array.from({ length: 13 }, (_, i) => 0.7 + 0.05 * i);

/** @param onProgress share done, 0..1; the event loop gets a turn between partitions */
export async function evaluateClusters(
  { visits, unseen }: Visits,
  reach: number,
  onProgress: (share: number) => void = () => undefined,
): Promise<ClusterEvaluation> {
  const points = pointsOf(visits.map(({ vector }) => vector));
  const persons = visits.map(({ person }) => person);
  let done = 0;
  const judge = async (method: ClusterMethod, at: number) => {
    const random = seededRandom(1);
    const labels = partition(points, { method, reach: at, random: () => random.next() });
    onProgress(++done / (CLUSTER_METHODS.length * (1 + SWEEP.length)));
    await new Promise((resolve) => setImmediate(resolve));
    return { method, reach: at, labels, scores: clusterScores(labels, persons) };
  };
  const methods = [];
  const sweep = [];
  for (const method of CLUSTER_METHODS) methods.push(await judge(method, reach));
  for (const method of CLUSTER_METHODS) for (const at of SWEEP) sweep.push(await judge(method, at));
  return { reach, unseen, methods, sweep };
}

const GOAL = atLeast(0.95);

/**
 * `clusters.purity` and so on belong to the method that a door uses by default. Each method also has figures of its
 * own.
 */
export function clusterFigures({ methods, reach, unseen }: ClusterEvaluation): Figure[] {
  const figures = ({ scores }: ClusterEvaluation['methods'][number], prefix: string): Figure[] => [
    withGoal({ name: `${prefix}.purity`, value: scores.purity, unit: 'ratio', ...scores.purityInterval }, GOAL),
    withGoal({ name: `${prefix}.nmi`, value: scores.nmi, unit: 'ratio' }, GOAL),
    { name: `${prefix}.clusters`, value: scores.clusters, unit: 'clusters', note: `${scores.persons} persons` },
  ];
  return [
    ...methods.slice(0, 1).flatMap((one) => figures(one, 'clusters')),
    ...methods.flatMap((one) => figures(one, `clusters.${one.method}`)),
    { name: 'clusters.reach', value: reach, unit: 'L2' },
    { name: 'clusters.visits_without_face', value: unseen, unit: 'visits' },
  ];
}

export function clusterSvg(title: string, { sweep, reach }: ClusterEvaluation): string {
  const line = (method: ClusterMethod, what: 'purity' | 'nmi', at: number) => ({
    name: `${method}: ${what === 'nmi' ? 'NMI' : what}`,
    colour: colourOf(at),
    points: sweep.filter((one) => one.method === method).map((one) => [one.reach, one.scores[what]] as const),
  });
  return plotSvg({
    title,
    x: linearAxis('L2 distance up to which two visits count as one person', 0.7, 1.3, 0.1),
    y: linearAxis('purity, NMI', 0, 1, 0.2),
    series: CLUSTER_METHODS.flatMap((method, i) => [line(method, 'purity', 2 * i), line(method, 'nmi', 2 * i + 1)]),
    marks: [{ x: reach, text: 'in use' }],
  });
}
