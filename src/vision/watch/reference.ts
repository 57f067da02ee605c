import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { messageOf, systemCode, UsherError } from '../../errors';
import { writeDurably } from '../../files/durable-file';
import { EDGE_VALUES, type PictureMeasure } from './measure';

/** What a camera saw when it was set up: how sharp, and where coarse edges were. No person can be recognised in it. */
export interface PictureReference {
  /** Epoch ms. */
  readonly takenAt: number;
  readonly focus: number;
  /** As of `PictureMeasure`, 0..255. */
  readonly edges: readonly number[];
}

const Reference = z.strictObject({
  v: z.literal(1),
  takenAt: z.number().int().min(0),
  focus: z.number().gt(0),
  edges: z.array(z.number().int().min(0).max(255)).length(EDGE_VALUES),
});

/** The mean of several pictures: who walks by in one of them leaves little behind. */
export function referenceOf(measures: readonly PictureMeasure[], takenAt: number): PictureReference {
  const edges = Array.from({ length: EDGE_VALUES }, (_, i) => {
    const sum = measures.reduce((total, measure) => total + (measure.edges[i] as number), 0);
    return Math.min(255, Math.round(sum / measures.length));
  });
  const focus = measures.reduce((total, measure) => total + measure.focus, 0) / measures.length;
  return { takenAt, focus, edges };
}

export function referenceFile(dataDir: string, camera: string): string {
  return join(dataDir, 'references', `${camera}.json`);
}

/** @throws UsherError `store-unavailable` */
export function writeReference(dataDir: string, camera: string, reference: PictureReference): string {
  const file = referenceFile(dataDir, camera);
  try {
    writeDurably(file, `${JSON.stringify({ v: 1, ...reference })}\n`);
    return file;
  } catch (error) {
    throw new UsherError('store-unavailable', `${file} cannot be written: ${messageOf(error)}`, {
      remedy: 'Run the command as the user that the service runs as.',
      cause: error,
    });
  }
}

/**
 * Null if none was taken.
 * @throws UsherError `data-invalid` for a file that is not a reference
 */
export function readReference(dataDir: string, camera: string): PictureReference | null {
  const file = referenceFile(dataDir, camera);
  try {
    return Reference.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return null;
    throw new UsherError('data-invalid', `${file} is not a reference picture: ${messageOf(error).slice(0, 200)}`, {
      remedy: `Take it again: usher doctor --reference`,
      cause: error,
    });
  }
}
