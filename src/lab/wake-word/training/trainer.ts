import { streamSeed } from '../../../random';
import { loadTfjs } from '../../learning/tensorflow';
import { UsherError } from '../../../errors';
import { MEL_BANDS } from '../../../voice/features/features';
import { adamStep, createAdam } from '../network/adam';
import { Arena } from '../network/arena';
import { Batches } from './batches';
import { calibrate } from './calibrate';
import type { RoundResult, TrainingState } from './checkpoint';
import type { ClipSource } from '../clips/framed-clip';
import { Listener } from './listener';
import { mineNegatives } from './mining';
import { differentiate, type Engine } from '../network/network';
import { rankAbout, settingAt, type TriggerShape } from './operating-points';
import { createNetwork, type Moments, type Network, type NetworkShape, PARAMETER_NAMES } from '../network/parameters';
import { learningRateAt, planRounds, type Round } from '../network/schedule';
import { makeValidationSet, validate, type ValidationSet } from './validation';

export interface TrainingPlan {
  readonly seed: number;
  readonly shape: NetworkShape;
  readonly steps: number;
  readonly batch: number;
  /** Rounds of hard-negative mining. */
  readonly mining: number;
  /** Of sound that each round listens to, and what it keeps at most. */
  readonly miningHours: number;
  readonly miningMost: number;
  readonly validationHours: number;
  readonly validationTrials: number;
  /** The rate at which networks are compared. */
  readonly falseAcceptsPerHour: number;
  /** Of the synthetic speech that a training has by default. */
  readonly speechShare: number;
}

export const DEFAULT_PLAN: TrainingPlan = {
  seed: 1,
  shape: { channels: 64, units: 64 },
  steps: 2400,
  batch: 48,
  mining: 4,
  miningHours: 8,
  miningMost: 500,
  validationHours: 3,
  validationTrials: 250,
  falseAcceptsPerHour: 0.5,
  speechShare: 1,
};

/** 180 ms of mean and one step of patience more than none: the operating points hold for this trigger. */
export const TRIGGER = { meanMs: 180, patience: 2, refractoryMs: 2000 };
export const STEP_MS = 30;
export const TRIGGER_SHAPE: TriggerShape = {
  smoothSteps: TRIGGER.meanMs / STEP_MS,
  patienceSteps: TRIGGER.patience,
  refractorySteps: Math.round(TRIGGER.refractoryMs / STEP_MS),
};

/** Clips are made so many steps ahead. */
const AHEAD = 4;
const MOMENTUM = 0.97;
const LOSS_EVERY = 10;
const SAVE_EVERY = 100;
/** Of a batch, that is new; the rest was seen before, of another build and under other masks, since mixing costs more than learning. */
const FRESH_SHARE = 0.4;
const MEMORY_STEPS = 90;
const MINED_SHARE = 0.35;
/** Number of batches from which a mean of networks gets its statistics. */
const SETTLING = 20;

export interface TrainerOptions {
  readonly plan: TrainingPlan;
  readonly source: ClipSource;
  /** Network to start from; null for random weights. */
  readonly from: Network | null;
  /** Trained already: what is mined and measured is what all answer in the mean. */
  readonly companions: readonly Network[];
  /** State to continue from. */
  readonly resumed: TrainingState | null;
  readonly signal?: AbortSignal;
  readonly save: (state: TrainingState) => void | Promise<void>;
  readonly onProgress: (label: string, share: number) => void;
  readonly onRound: (result: RoundResult) => void;
}

export interface Trained {
  readonly network: Network;
  readonly state: TrainingState;
}

/**
 * Trains one word: a first round on mixed clips, then rounds that start with mining what the network still mistakes.
 * After each round the network is measured on the validation part; at the end the mean of the rounds' last networks is
 * measured too. The best one is kept, by false accepts first, then by misses. With companions that are already trained,
 * it learns what all of them together mistake. The state is saved every hundred steps and after every round; training
 * continues from it as if it had never stopped.
 * @throws UsherError `cancelled` after `signal` (the state is saved); what `save` and the source throw
 */
export async function train(options: TrainerOptions): Promise<Trained> {
  const { plan, source, onProgress } = options;
  const rounds = planRounds(plan.steps, plan.mining, options.from !== null);
  const state = options.resumed ?? begin(plan, options.from);
  const { tf } = await loadTfjs();
  const engine: Engine = { tf, arena: new Arena() };
  const size = { seed: streamSeed(plan.seed, 6), trials: plan.validationTrials, hours: plan.validationHours };
  if (options.from !== null && options.resumed === null)
    calibrate(engine, state.network, await batchesOf(options, state).batch(0));
  const validation = await makeValidationSet(source, size, (share) => onProgress('mixing validation sound', share));
  for (const [index, round] of rounds.entries()) {
    if (state.step >= round.firstStep + round.steps && state.rounds.some((result) => result.round === index)) continue;
    // A network that is trained further can be mined at once.
    if (index > 0 || options.from !== null) await mineOnce(options, state, round, index);
    await learn(options, engine, state, round, index);
    await judge(options, state, validation, index);
    include(state);
    await options.save(state);
  }
  const { mean } = state;
  if (mean !== null && mean.networks > 1 && !state.rounds.some(({ round }) => round === rounds.length)) {
    await settle(engine, mean.network, batchesOf(options, state), state.step);
    await judge(options, state, validation, rounds.length, mean.network);
    await options.save(state);
  }
  return { network: state.best ?? state.network, state };
}

function begin({ shape, seed }: TrainingPlan, from: Network | null): TrainingState {
  const network = from === null ? createNetwork(shape, MEL_BANDS, seed) : copyOf(from);
  return { step: 0, network, adam: createAdam(network), best: null, mean: null, mined: [], losses: [], rounds: [] };
}

/**
 * Adds the network to the mean of the networks at the ends of rounds (stochastic weight averaging: Izmailov et al.
 * 2018). Each round's rising learning rate leads it elsewhere, and to other mistakes; the mean may make fewer. The
 * first round is left out, since it was not trained on mined mistakes.
 */
function include(state: TrainingState): void {
  if (state.rounds.length < 2) return;
  state.mean ??= { network: copyOf(state.network), networks: 0 };
  const { network, networks } = state.mean;
  for (const name of PARAMETER_NAMES) {
    const { data } = network.parameters[name];
    const latest = state.network.parameters[name].data;
    for (let i = 0; i < data.length; i++)
      data[i] = ((data[i] as number) * networks + (latest[i] as number)) / (networks + 1);
  }
  state.mean = { network, networks: networks + 1 };
}

/** Statistics of its own for a network that was never trained itself. */
async function settle(engine: Engine, network: Network, batches: Batches, step: number): Promise<void> {
  for (const { mean, variance } of [network.norm1, network.norm2])
    for (const moments of [mean, variance]) moments.fill(0);
  for (let i = 0; i < SETTLING; i++) {
    const { norm1, norm2 } = differentiate(engine, network, await batches.batch(step + i), 0, { dropout: 0 });
    for (const [running, batch] of [
      [network.norm1, norm1],
      [network.norm2, norm2],
    ] as const)
      for (const key of ['mean', 'variance'] as const)
        batch[key].forEach((value, at) => (running[key][at] = (running[key][at] as number) + value / SETTLING));
  }
}

async function mineOnce(options: TrainerOptions, state: TrainingState, round: Round, index: number): Promise<void> {
  if (state.mined.some(({ beforeStep }) => beforeStep === round.firstStep)) return;
  const { plan, source, onProgress } = options;
  const listener = await Listener.of([state.network, ...options.companions]);
  try {
    const request = { part: 'train', hours: plan.miningHours, seed: streamSeed(plan.seed, 7, index) } as const;
    const negatives = await mineNegatives(listener, source, request, {
      most: plan.miningMost,
      shape: TRIGGER_SHAPE,
      onProgress: (share) => onProgress(`mining, round ${index}`, share),
    });
    state.mined.push({ beforeStep: round.firstStep, negatives });
  } finally {
    await listener.close();
  }
  await options.save(state);
}

async function learn(
  options: TrainerOptions,
  engine: Engine,
  state: TrainingState,
  round: Round,
  index: number,
): Promise<void> {
  const { plan, signal, onProgress } = options;
  const batches = batchesOf(options, state);
  const end = round.firstStep + round.steps;
  let sum = 0;
  for (let step = state.step; step < end; step++) {
    for (let ahead = step; ahead < Math.min(end, step + AHEAD); ahead++) batches.prepare(ahead);
    const batch = await batches.batch(step);
    const { loss, gradients, norm1, norm2 } = differentiate(
      engine,
      state.network,
      batch,
      streamSeed(plan.seed, 8, step),
    );
    if (!Number.isFinite(loss))
      throw new UsherError('data-invalid', `the loss of step ${step} is not a number`, {
        remedy: 'Continue from the last checkpoint with --resume; if it happens again, report it.',
      });
    adamStep(state.network, state.adam, gradients, learningRateAt(round, step));
    follow(state.network.norm1, norm1);
    follow(state.network.norm2, norm2);
    state.step = step + 1;
    sum += loss;
    if (state.step % LOSS_EVERY === 0) {
      state.losses.push({ step: state.step, loss: sum / LOSS_EVERY });
      sum = 0;
    }
    onProgress(`training, round ${index}, loss ${loss.toFixed(3)}`, (state.step - round.firstStep) / round.steps);
    const stopping = signal?.aborted === true;
    if (stopping || state.step % SAVE_EVERY === 0) await options.save(state);
    if (stopping)
      throw new UsherError('cancelled', `training was stopped at step ${state.step} of ${plan.steps}`, {
        remedy: 'Continue with the same command and --resume.',
      });
  }
}

function batchesOf({ plan, source }: TrainerOptions, { mined }: TrainingState): Batches {
  const sizes = {
    seed: plan.seed,
    size: plan.batch,
    fresh: Math.round(plan.batch * FRESH_SHARE),
    memory: MEMORY_STEPS,
    minedShare: MINED_SHARE,
  };
  return new Batches(source, sizes, (step) =>
    mined.flatMap(({ beforeStep, negatives }) => (beforeStep <= step ? negatives : [])),
  );
}

async function judge(
  options: TrainerOptions,
  state: TrainingState,
  validation: ValidationSet,
  index: number,
  network = state.network,
): Promise<void> {
  options.onProgress(`measuring, round ${index}`, 0);
  const listener = await Listener.of([network, ...options.companions]);
  const settings = await validate(listener, validation, TRIGGER_SHAPE).finally(() => listener.close());
  const allowed = options.plan.falseAcceptsPerHour;
  const setting = settingAt(settings, allowed);
  const result: RoundResult = {
    round: index,
    step: state.step,
    threshold: setting.threshold,
    falseAcceptsPerHour: setting.falseAcceptsPerHour,
    misses: setting.misses.map((miss) => ({ ...miss })),
    minedNegatives: state.mined.reduce((count, { negatives }) => count + negatives.length, 0),
    rank: rankAbout(settings, allowed),
  };
  const best = state.rounds.reduce<RoundResult | null>((a, b) => (a === null || better(b, a, options) ? b : a), null);
  if (best === null || better(result, best, options)) state.best = copyOf(network);
  state.rounds.push(result);
  options.onRound(result);
}

/** False accepts per hour first: too many of them make a network useless. Then the misses about the allowed rate. */
function better(a: RoundResult, b: RoundResult, { plan }: TrainerOptions): boolean {
  const allowed = (one: RoundResult): boolean => one.falseAcceptsPerHour <= plan.falseAcceptsPerHour;
  if (allowed(a) !== allowed(b)) return allowed(a);
  if (!allowed(a) && a.falseAcceptsPerHour !== b.falseAcceptsPerHour)
    return a.falseAcceptsPerHour < b.falseAcceptsPerHour;
  return a.rank <= b.rank;
}

/** Running statistics, as they will be used. */
function follow(running: Moments, batch: Moments): void {
  for (const key of ['mean', 'variance'] as const)
    batch[key].forEach((value, i) => {
      running[key][i] = MOMENTUM * (running[key][i] as number) + (1 - MOMENTUM) * value;
    });
}

function copyOf(network: Network): Network {
  const moments = ({ mean, variance }: Moments): Moments => ({ mean: mean.slice(), variance: variance.slice() });
  const parameters = Object.fromEntries(
    Object.entries(network.parameters).map(([name, { dims, data }]) => [name, { dims, data: data.slice() }]),
  ) as Network['parameters'];
  return { ...network, parameters, norm1: moments(network.norm1), norm2: moments(network.norm2) };
}
