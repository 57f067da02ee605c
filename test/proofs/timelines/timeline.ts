import { type Draws } from '../fuzz/random';

/** Whom a picture shows. */
export type Shown = 'member' | 'stranger' | null;

/** One picture, with what is true of it and what the box learns. All times are ms of the machine's monotonic clock. */
export interface Picture {
  /** When it was really taken. */
  readonly captured: number;
  readonly arrived: number;
  readonly streamMs: number | null;
  readonly shows: Shown;
  /** The same number: the same pixels, bit by bit. */
  readonly pixels: number;
  /** The first of a new stream: the process was started again. */
  readonly first: boolean;
}

export interface Timeline {
  readonly what: string;
  /** What the camera gives, and what the configuration allows. */
  readonly fps: number;
  readonly allowedFps: number;
  readonly latencyMs: number;
  readonly times: 'stream' | 'arrival';
  /** The times in the stream say nothing of when a picture was taken, or there are none. */
  readonly blind: boolean;
  readonly mode: 'verify' | 'identify' | 'either';
  readonly analysisMs: number;
  readonly visits: readonly Visit[];
  /** Of the member's card, by whoever has it. */
  readonly swipes: readonly number[];
  readonly pictures: readonly Picture[];
  /** Nothing was wrong: who stands there long enough is let in. */
  readonly calm: boolean;
}

export interface Visit {
  readonly from: number;
  readonly to: number;
  readonly who: 'member' | 'stranger';
}

const BEGIN = 1_000_000;
const LENGTH_MS = 24_000;
const RATES = [1, 2, 5, 8, 10, 15, 20, 25, 30, 60];
const NETWORKS = [
  'steady',
  'jitter',
  'stall',
  'stall',
  'stall',
  'lossy',
  'backlog',
  'groups',
  'restart',
  'growing',
] as const;
/** `made-up`: at a rate of its own. `leaps`: back and forth. `sent`: the time of sending. `none`: of a stream without times. */
const CLOCKS = ['true', 'true', 'true', 'true', 'drifting', 'made-up', 'leaps', 'sent', 'none'] as const;
type Network = (typeof NETWORKS)[number];
type Clock = (typeof CLOCKS)[number];

/** Draws one timeline: people at a door, a camera, its stream, and what befalls them. */
export function drawTimeline(draws: Draws): Timeline {
  const fps = draws.of(RATES);
  const clock = draws.of(CLOCKS);
  // Where the times say nothing, a backlog that is worked off at nearly the usual rate cannot be seen by anybody.
  const blind = clock !== 'true' && clock !== 'drifting';
  const network = draws.of(NETWORKS.filter((each) => !(blind && each === 'growing')));
  const frozen = draws.chance(6);
  const latencyMs = draws.chance(2) ? 0 : draws.below(10_001);
  const visits = drawVisits(draws);
  const pictures = withTimes(
    withArrivals(drawPictures(draws, fps, visits, frozen), draws, { network, latencyMs, fps, blind }),
    draws,
    clock,
  );
  return {
    what: `${fps} fps, ${network}, clock ${clock}${frozen ? ', frozen' : ''}, ${latencyMs} ms`,
    ...{ fps, latencyMs, visits, pictures },
    allowedFps: Math.min(60, fps * draws.of([1, 1, 1.5, 3])),
    blind,
    times: clock === 'none' ? 'arrival' : 'stream',
    mode: draws.of(['verify', 'verify', 'identify', 'either'] as const),
    analysisMs: draws.of([3, 20, 60, 150]),
    swipes: drawSwipes(draws, visits),
    calm: network === 'steady' && clock === 'true' && !frozen,
  };
}

function drawVisits(draws: Draws): Visit[] {
  const visits: Visit[] = [];
  for (let at = BEGIN + 500 + draws.below(4000); at < BEGIN + LENGTH_MS;) {
    const to = at + 300 + draws.below(7000);
    visits.push({ from: at, to, who: draws.chance(3) ? 'stranger' : 'member' });
    at = to + draws.of([0, 50, 400, 1500, 4000]);
  }
  return visits;
}

/** At any time, and when it hurts: just as the member has left, or a stranger has come. */
function drawSwipes(draws: Draws, visits: readonly Visit[]): number[] {
  const swipes = Array.from({ length: 1 + draws.below(4) }, () => BEGIN + draws.below(LENGTH_MS));
  for (const { from, to, who } of visits) {
    if (draws.chance(2)) swipes.push(who === 'member' ? to + draws.below(600) : from + draws.below(600));
    if (who === 'member' && draws.chance(2)) swipes.push(from + draws.below(400));
  }
  return swipes.sort((a, b) => a - b);
}

type Bare = Pick<Picture, 'captured' | 'shows' | 'pixels'>;

function drawPictures(draws: Draws, fps: number, visits: readonly Visit[], frozen: boolean): Bare[] {
  const interval = 1000 / fps;
  const pictures: Bare[] = [];
  const freeze = frozen ? { from: BEGIN + draws.below(LENGTH_MS), forMs: 1000 + draws.below(8000) } : null;
  let still: Bare | null = null;
  for (let at = BEGIN + draws.below(100); at < BEGIN + LENGTH_MS; at += interval) {
    const captured = at;
    const visit = visits.find(({ from, to }) => from <= captured && captured < to);
    const real: Bare = { captured, shows: visit?.who ?? null, pixels: pictures.length };
    const isFrozen = freeze !== null && captured >= freeze.from && captured < freeze.from + freeze.forMs;
    still = isFrozen ? (still ?? real) : null;
    // A frozen picture is as old as its content, whatever its time says.
    pictures.push(still === null ? real : { captured, shows: still.shows, pixels: still.pixels });
  }
  return pictures;
}

interface Way {
  readonly network: Network;
  readonly latencyMs: number;
  readonly fps: number;
  readonly blind: boolean;
}

type Arrived = Omit<Picture, 'streamMs'>;

/** In order, as TCP delivers them. */
function withArrivals(pictures: readonly Bare[], draws: Draws, { network, latencyMs, fps, blind }: Way): Arrived[] {
  const jitter = network === 'steady' ? 10 : network === 'jitter' ? 20 + draws.below(250) : 25;
  const stalls = network === 'stall' || network === 'lossy' ? drawStalls(draws) : [];
  const start = BEGIN + (network === 'backlog' ? 500 + draws.below(5000) : 0);
  const group = network === 'groups' ? 200 + draws.below(1300) : 1;
  const again = network === 'restart' ? BEGIN + 4000 + draws.below(12_000) : Infinity;
  const gone = again + 300 + draws.below(4000);
  // How fast a backlog comes: at once, or as fast as it is decoded.
  const drain = draws.of(blind ? [0.05, 1, 0.1 * (1000 / fps)] : [0.05, 1, 0.1 * (1000 / fps), 0.7 * (1000 / fps)]);
  const growth = network === 'growing' ? (1 + draws.below(30)) / 100 : 0;
  const arrived: Arrived[] = [];
  let last = BEGIN;
  let begun = false;
  let restarted = false;
  for (const picture of pictures) {
    const sent = picture.captured + latencyMs;
    let at = sent + draws.below(jitter + 1) * (draws.chance(4) ? 1 : 0.2) + growth * (picture.captured - BEGIN);
    const stall = stalls.find(({ from, forMs }) => sent >= from && sent < from + forMs);
    if (stall !== undefined && network === 'lossy' && draws.below(10) < stall.lost) continue;
    if (stall !== undefined) at = Math.max(at, stall.from + stall.forMs);
    at = Math.max(at, start + latencyMs);
    at = Math.ceil((at - BEGIN) / group) * group + BEGIN;
    if (sent >= again && sent < gone) {
      // What was taken while the process was away waits in the recorder, or is lost.
      if (draws.below(2) === 0) continue;
      at = Math.max(at, gone);
    }
    at = Math.max(at, last + drain);
    last = at;
    const first = !begun || (!restarted && at >= gone);
    begun = true;
    if (at >= gone) restarted = true;
    arrived.push({ ...picture, arrived: at, first });
  }
  return arrived;
}

function drawStalls(draws: Draws): { from: number; forMs: number; lost: number }[] {
  return Array.from({ length: 1 + draws.below(3) }, () => ({
    from: BEGIN + 2000 + draws.below(LENGTH_MS),
    forMs: draws.of([300, 800, 2600, 6000, 10_000]),
    lost: draws.below(11),
  }));
}

function withTimes(pictures: readonly Arrived[], draws: Draws, clock: Clock): Picture[] {
  const origin = draws.below(1_000_000);
  const rate = clock === 'made-up' ? draws.of([0.3, 0.7, 0.9, 1.1, 1.5, 3]) : 1 + (draws.below(401) - 200) / 1e6;
  const leaps = clock === 'leaps' ? draws.of([300, 2600, 8000, 3_600_000]) : 0;
  let leapt = 0;
  let [before, given] = [0, 0];
  return pictures.map((picture) => {
    if (clock === 'none') return { ...picture, streamMs: null };
    if (leaps !== 0 && draws.chance(80)) leapt += draws.chance(2) ? leaps : -leaps;
    const base = clock === 'sent' ? picture.arrived : picture.captured;
    const time = origin + (base - BEGIN) * rate + leapt;
    // As ffmpeg's filter gives them: they only go on within one stream.
    given = picture.first ? time : given + Math.max(time - before, 1);
    before = time;
    return { ...picture, streamMs: Math.round(given) };
  });
}
