import { holdOf, type SweepHold, type SweepState } from './sweep';

/** Why nothing, or not all, is destroyed by its age, for the person who can change it. */
const ACCEPT =
  'If the date of this box is right, run `usher clock accept` with the date of today. Otherwise set the clock.';

const HOLDS: Readonly<Record<Exclude<SweepHold, 'unsteady'>, readonly [detail: string, remedy: string]>> = {
  leapt: ['the date is more than a week ahead of the last one that was trusted', ACCEPT],
  behind: ['the date is before one that was trusted already', ACCEPT],
  stopped: ['an operator has stopped it', 'To go on, run `usher retention resume`.'],
};

const NAMES = { members: 'members', journal: 'records of the journal' };

/** Null: all is well. A date that has not been steady for a day yet is no trouble: it passes by itself. */
export function sweepTrouble(state: SweepState): { readonly detail: string; readonly remedy: string } | null {
  const hold = holdOf(state);
  if (hold !== null && hold !== 'unsteady') {
    const [why, remedy] = HOLDS[hold];
    return { detail: `nothing is deleted by its age: ${why}`, remedy };
  }
  if (state.held.length === 0) return null;
  return {
    detail: `too much to delete at once: ${state.held.map(({ what, count, total }) => `${count} of ${total} ${NAMES[what]}`).join(', ')}`,
    remedy: 'See `usher retention show`; then run `usher retention confirm`, or `usher retention stop`.',
  };
}
