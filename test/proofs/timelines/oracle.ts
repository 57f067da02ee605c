import { MAX_FRAME_AGE_MS } from '../../../src/access/frame-age';
import { type Grant, type Played, settingsFor } from './play';
import { type Timeline } from './timeline';

/**
 * So much younger than it is a frame may be dated, beyond what is constant of its delay, which no stream shows: the smallest delay is
 * known to within its jitter, and that of a camera without times to within an interval of its frames.
 */
export const TOLERANCE_MS = 60;

/** What is wrong with a run, straight from what really happened: no clock, tracker or automaton of ours is asked. */
export function faultsOf(timeline: Timeline, { grants }: Played): string[] {
  const faults = grants.flatMap((grant) => faultOf(timeline, grant));
  if (timeline.calm && grants.length === 0 && oughtToOpen(timeline)) faults.push('who stood there was not let in');
  return faults.map((fault) => `${timeline.what}: ${fault}`);
}

function faultOf(timeline: Timeline, { at, decision }: Grant): string[] {
  const { pictures, latencyMs, fps, visits } = timeline;
  const settings = settingsFor(timeline);
  const tolerance = TOLERANCE_MS + smallestDelay(timeline, at) + (timeline.blind ? 1000 / fps : 0);
  const since = decision.trigger === 'swipe' ? decision.since : -Infinity;
  // Each pixel pattern once: a frozen picture shows one moment.
  const fresh = pictures.filter(({ pixels }, i) => pixels !== pictures[i - 1]?.pixels);
  const good = fresh.filter(
    ({ arrived, captured, shows }) => shows === 'member' && arrived <= at && captured >= since - tolerance,
  );
  const newest = good.at(-1)?.captured ?? -Infinity;
  const oldest = newest - settings.voteWindowMs - tolerance;
  const votes = good.filter(({ captured }) => captured >= oldest).length;
  const faults: string[] = [];
  const when = `granted at ${at.toFixed(0)} (${decision.trigger}, since ${decision.since.toFixed(0)})`;
  if (votes < settings.votes) faults.push(`${when} on ${votes} pictures of the member taken since then`);
  const stood = visits.filter(({ who, from }) => who === 'member' && from <= at);
  const left = Math.max(-Infinity, ...stood.map(({ to }) => to));
  const age = at - left;
  if (age > latencyMs + MAX_FRAME_AGE_MS + tolerance)
    faults.push(`${when}, ${age.toFixed(0)} ms after the member had left`);
  return faults;
}

/** Of what came by then, beyond the delay that the camera is known to have. */
function smallestDelay({ pictures, latencyMs }: Timeline, at: number): number {
  const delays = pictures
    .filter(({ arrived }) => arrived <= at)
    .map(({ arrived, captured }) => arrived - captured - latencyMs);
  return Math.max(0, Math.min(...delays));
}

/** Without a fault anywhere: a swipe with the member in view for long enough before and after it. */
function oughtToOpen({ swipes, visits, latencyMs, pictures, fps, mode }: Timeline): boolean {
  const need = Math.max(1500, 5 * (1000 / fps)) + 300;
  const begun = (pictures[0]?.arrived ?? 0) + 2500 + 8 * (1000 / fps);
  const alone = swipes.filter((at) => !swipes.some((other) => other !== at && Math.abs(other - at) < 9000 + latencyMs));
  const end = (pictures.at(-1)?.arrived ?? 0) - 500;
  return (
    mode === 'verify' &&
    alone.some((at) => {
      const stays = visits.some(({ who, from, to }) => who === 'member' && from <= at && to >= at + need);
      return stays && at > begun && at + need + latencyMs < end;
    })
  );
}
