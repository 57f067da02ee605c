import { TrialFigures } from '../../../src/daemon/trials/trial-figures';
import type { Observation } from '../../../src/events';

const frame = (number: number, detail: string): Observation =>
  ({ frame: number, mono: number, detail }) as unknown as Observation;
const make = (): TrialFigures =>
  new TrialFigures((observation) => (observation as unknown as { detail: string }).detail);
const both = (figures: TrialFigures, number: number, own: string, candidate: string): void => {
  figures.own(frame(number, own));
  figures.candidate(frame(number, candidate), number);
};

describe('what is known of a candidate beside the running model', () => {
  it('does not count frames in which nobody is, nor take refused faces for decisions', () => {
    const figures = make();
    both(figures, 1, 'nobody', 'nobody');
    expect([figures.compared, figures.decided, figures.agreement]).toEqual([0, 0, null]);
    both(figures, 2, 'refused', 'refused');
    both(figures, 3, 'nobody', 'refused');
    expect([figures.compared, figures.decided, figures.agreement]).toEqual([2, 0, 0.5]);
    both(figures, 4, 'member 4711', 'member 4711');
    both(figures, 5, 'unknown', 'refused');
    expect([figures.compared, figures.decided, figures.agreement]).toEqual([4, 2, 0.5]);
  });

  it('pairs frames in whatever order their words come', () => {
    const figures = make();
    figures.candidate(frame(1, 'unknown'), 1);
    figures.own(frame(2, 'unknown'));
    figures.own(frame(1, 'unknown'));
    figures.candidate(frame(2, 'member 1'), 2);
    expect([figures.compared, figures.agreement]).toEqual([2, 0.5]);
  });
});
