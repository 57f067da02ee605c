import { holdOf, type SweepHold, type SweepState } from './sweep';

/** Why nothing, or not everything, is deleted by age, for the person who can change it. */
const ACCEPT =
  'If the date of this box is correct, run `usher clock accept` with today’s date. Otherwise set the clock.';

const HOLDS: Readonly<Record<Exclude<SweepHold, 'unsteady'>, readonly [detail: string, remedy: string]>> = {
  leapt: ['the date is more than a week ahead of the last trusted one', ACCEPT],
  behind: ['the date is before the last trusted one', ACCEPT],
  stopped: ['an operator has stopped it', 'To continue, run `usher retention resume`.'],
};

const NAMES = { members: 'members', journal: 'records of the journal' };

/** Null if there is no trouble. A date that has not been steady for a day yet is none: it passes by itself. */
export function sweepTrouble(state: SweepState): { readonly detail: string; readonly remedy: string } | null {
  const hold = holdOf(state);
  if (hold !== null && hold !== 'unsteady') {
    const [why, remedy] = HOLDS[hold];
    return { detail: `nothing is deleted by age: ${why}`, remedy };
  }
  if (state.held.length === 0) return null;
  return {
    detail: `too much to delete at once: ${state.held.map(({ what, count, total }) => `${count} of ${total} ${NAMES[what]}`).join(', ')}`,
    remedy: 'See `usher retention show`; then run `usher retention confirm`, or `usher retention stop`.',
  };
}
