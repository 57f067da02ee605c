import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { evalCommand } from '../../../src/lab/eval';
import type { Figure } from '../../../src/lab/report/figure';
import { ATTACKS } from '../../../src/lab/liveness/attacks';
import type { JudgedPresentation } from '../../../src/lab/liveness/evaluate';
import { livenessFigures } from '../../../src/lab/liveness/figures';
import { describeWithLondon, installedModels } from '../../support/faces';
import { sharedDir } from '../../support/shared';

const presentation = (
  kind: JudgedPresentation['kind'],
  person: number,
  score: number,
  more: Partial<JudgedPresentation> = {},
): JudgedPresentation => ({
  ...{ kind, person, seed: 1, scores: [score, score, score], motion: 'still', faces: 8 },
  ...{ verdict: score >= 0.5 ? 'live' : score <= -0.5 ? 'fake' : 'undecided', liveInDepth: false, ...more },
});

test('rates by ISO/IEC 30107-3: the worst kind of attack counts, and who is undecided is refused', () => {
  const presentations = [0, 1, 2, 3].flatMap((person) => [
    presentation('bona-fide', person, person === 3 ? 0 : 4, { liveInDepth: person < 2 }),
    ...ATTACKS.map((kind) => presentation(kind, person, kind === 'cut-out' && person < 2 ? 3 : -4)),
  ]);
  const figures = livenessFigures({ presentations, msPerScore: 5 });
  const of = (name: string): Figure | undefined => figures.find((one) => one.name === `liveness.${name}`);
  expect(of('apcer_worst')).toMatchObject({ value: 0.5, meets: false, note: 'cut_out: 2 of 4 taken for live' });
  expect(of('apcer.print_border')?.value).toBe(0);
  expect(of('bpcer')).toMatchObject({ value: 0.25, meets: false });
  expect(of('acer')?.value).toBe(0.375);
  expect(of('auc.print_border')?.value).toBe(1);
  // Set on the persons 0 and 2, who score 4: with it the cut-outs of 1 and 3 are refused, and 3 is.
  expect(of('apcer_worst.tuned')?.value).toBe(0);
  expect(of('bpcer.tuned')).toMatchObject({ value: 0.5, note: '1 of 2; mean logit ≥ 4.0, set on other persons' });
  expect(of('apcer_worst.motion_required')?.value).toBe(0);
  expect(of('bpcer.motion_required')?.value).toBe(0.5);
});

describeWithLondon('on portraits', () => {
  test('every kind of every person is presented, judged and told; the same seed gives the same', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'eval-liveness-'));
    const run = async (...more: string[]) => {
      const written: string[] = [];
      const write = jest.spyOn(process.stdout, 'write').mockImplementation((text) => written.push(String(text)) > 0);
      try {
        const data = [
          '--images',
          join(sharedDir, 'data/faces/london'),
          '--scenes',
          join(sharedDir, 'data/scene/training'),
        ];
        const size = ['--limit', '1', '--frames', '4', '--models-dir', installedModels];
        await evalCommand().parseAsync(['node', 'eval', 'liveness', ...data, ...size, '--json', ...more]);
      } finally {
        write.mockRestore();
      }
      return JSON.parse(written.join('')) as { figures: Figure[]; presentations: JudgedPresentation[] };
    };
    try {
      const first = await run('--report', join(dir, 'report'), '--errors', join(dir, 'errors'));
      expect(first.presentations.map(({ kind }) => kind).sort()).toEqual(['bona-fide', ...ATTACKS].sort());
      for (const { faces, scores } of first.presentations) {
        expect(faces).toBeGreaterThan(0);
        expect(scores.every(Number.isFinite)).toBe(true);
      }
      const wrong = first.presentations.filter(({ kind, verdict }) => (verdict === 'live') === (kind !== 'bona-fide'));
      const told = JSON.parse(readFileSync(join(dir, 'errors/errors.json'), 'utf8')) as object;
      expect(JSON.stringify(told).match(/taken for|undecided|without a usable/g)?.length ?? 0).toBeGreaterThanOrEqual(
        wrong.length,
      );
      expect(existsSync(join(dir, 'report/threshold.svg'))).toBe(true);
      expect((await run()).presentations).toEqual(first.presentations);
    } finally {
      rmSync(dir, { recursive: true });
    }
  }, 300_000);
});
