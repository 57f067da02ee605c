import fc from 'fast-check';
import { clusterScores } from '../../../../src/lab/faces/clusters/cluster-scores';

const labelling = fc.array(fc.tuple(fc.nat(5), fc.nat(5)), { minLength: 1, maxLength: 40 });

describe('purity and NMI', () => {
  it.each([
    // The worked example of the book's figure 16.4: 17 objects of three classes in three clusters.
    ['the textbook’s', '00000011111122222', 'xxxxxoxoooodxxddd', 12 / 17, 0.36],
    ['everybody for himself', '0011', '0123', 0.5, 2 / 3],
    ['one cluster of two persons', '0000', '0011', 0.5, 0],
    ['persons exactly', '0110', 'baab', 1, 1],
    ['each picture alone', '0123', '0011', 1, 2 / 3],
    ['one picture', '0', '0', 1, 1],
  ])('of %s', (_, clusters, persons, purity, nmi) => {
    const numbers = (text: string): number[] => Array.from(text, (letter) => letter.charCodeAt(0));
    const scores = clusterScores(numbers(clusters), numbers(persons));
    expect(scores.purity).toBeCloseTo(purity, 6);
    expect(scores.nmi).toBeCloseTo(nmi, 2);
  });

  it('lie between 0 and 1, know no names, and are 1 for persons and clusters that agree', () => {
    fc.assert(
      fc.property(labelling, (pairs) => {
        const clusters = pairs.map(([cluster]) => cluster);
        const persons = pairs.map(([, person]) => person);
        const scores = clusterScores(clusters, persons);
        for (const value of [scores.purity, scores.nmi]) {
          expect(value).toBeGreaterThanOrEqual(0);
          expect(value).toBeLessThanOrEqual(1);
        }
        const renamed = clusterScores(
          clusters.map((cluster) => 5 - cluster),
          persons,
        );
        expect(renamed.nmi).toBeCloseTo(scores.nmi, 9);
        expect(renamed.purity).toBe(scores.purity);
        expect(clusterScores(persons, persons)).toMatchObject({ purity: 1 });
        expect(clusterScores(persons, persons).nmi).toBeCloseTo(1, 9);
      }),
    );
  });
});
