import { mkdtemp, readdir, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { buildFallbackSet } from '../../../src/bundles/face-api/build';
import { FALLBACK_THRESHOLDS } from '../../../src/bundles/face-api/cards';
import type { DetectedFace } from '../../../src/vision/faces/faces';
import { l2Distance } from '../../../src/store/members/vector';
import { readPicture } from '../../../src/vision/picture/picture';
import { openFallbackSet } from '../../support/fallback-set';
import { describeWithShared, sharedDir } from '../../support/shared';

describe('the thresholds of the fallback encoder', () => {
  it('fall with the rate, and stay under the 0.6 that the library takes', () => {
    FALLBACK_THRESHOLDS.forEach(({ fmr, distance }, i) => {
      expect(distance).toBeLessThan(FALLBACK_THRESHOLDS[i - 1]?.distance ?? 0.6);
      expect(fmr).toBeLessThan(FALLBACK_THRESHOLDS[i - 1]?.fmr ?? 1);
    });
    expect(FALLBACK_THRESHOLDS.map(({ fmr }) => fmr)).toEqual([1e-2, 1e-3, 1e-4, 1e-5]);
  });

  it('say which rows no data reach', () => {
    for (const { fmr, measuredOn } of FALLBACK_THRESHOLDS)
      expect(measuredOn.startsWith('EXTRAPOLATED')).toBe(fmr * 20_604 < 20);
  });
});

describeWithShared('the thresholds of the fallback encoder on the London pictures', () => {
  const impostors: number[] = [];
  const genuine: number[] = [];

  beforeAll(async () => {
    const modelsDir = await mkdtemp(path.join(os.tmpdir(), 'usher-thresholds-'));
    await buildFallbackSet(modelsDir);
    const { detector, landmarker, encoder } = await openFallbackSet(modelsDir);
    const folder = path.join(sharedDir, 'data/faces/london');
    const people: { id: string; vector: Float32Array }[] = [];
    for (const file of (await readdir(folder)).filter((name) => name.endsWith('.jpg'))) {
      const frame = await readPicture(path.join(folder, file));
      // Where a face lies across two cells of the grid, the next size finds it.
      let face: DetectedFace | undefined;
      for (const size of [416, 320, 608]) face ??= (await detector.detectAt(frame, size))[0];
      const shape = await landmarker.locate(frame, face!.box);
      people.push({ id: file.slice(0, 3), vector: await encoder.encode(encoder.align(frame, shape)!) });
    }
    people.forEach((a, i) => {
      for (const b of people.slice(i + 1)) (a.id === b.id ? genuine : impostors).push(l2Distance(a.vector, b.vector));
    });
    impostors.sort((a, b) => a - b);
    for (const part of [detector, landmarker, encoder]) await part.dispose();
    await rm(modelsDir, { recursive: true });
  }, 120_000);

  it('were measured on 20,604 impostor and 102 genuine pairs', () => {
    expect(impostors).toHaveLength(20_604);
    expect(genuine).toHaveLength(102);
  });

  it.each(FALLBACK_THRESHOLDS)('$fmr: $distance keeps its promise', ({ fmr, distance, fnmr }) => {
    const accepted = impostors.filter((d) => d <= distance).length;
    const missed = genuine.filter((d) => d > distance).length / genuine.length;
    process.stdout.write(`  FMR ${fmr}: distance ${distance}, ${accepted} false matches, FNMR ${missed.toFixed(4)}\n`);
    // Upper 95 % bound of a Poisson count (normal approximation with continuity, Byar), or none at all where too few are expected.
    const upper = (accepted + 1) * (1 - 1 / (9 * (accepted + 1)) + 1.645 / (3 * Math.sqrt(accepted + 1))) ** 3;
    if (fmr * impostors.length >= 20) expect(upper).toBeLessThanOrEqual(fmr * impostors.length);
    else expect(accepted).toBe(0);
    expect(missed).toBeCloseTo(fnmr!, 4);
  });
});
