import { setTimeout as delay } from 'node:timers/promises';
import {
  type Candidate,
  type Obstacle,
  type RunningModel,
  type Trial,
  TrialFailed,
  type UpdateTarget,
  type TrialReason,
} from '../../../fleet/update/trial';
import { seededRandom, streamSeed } from '../../../random';

export interface TrialPlan {
  /** Mean time of each step of a trial. */
  readonly stepMs: number;
  /** Share of the boxes on which a release fails its trial, by its version. */
  readonly failing: (version: string) => number;
  readonly seed: number;
}

type Step = 'test' | 'settle' | 'watch' | 'adopt';
const FAILURES: readonly (readonly [Step, TrialReason])[] = [
  ['test', 'wrong-answers'],
  ['test', 'slow'],
  ['settle', 'silent'],
  ['watch', 'drift'],
  ['watch', 'crashed'],
  ['adopt', 'start-failed'],
];

/**
 * Replaces camera and models of a simulated box: a trial takes time and passes or fails, depending on seed, box and
 * release. Everything else is the code that real boxes run.
 */
export class SimulatedTarget implements UpdateTarget {
  constructor(
    private readonly box: number,
    private readonly plan: TrialPlan,
    /** The running version; a start reads it from the pointer. */
    private version: string,
    private readonly factory: string,
    private readonly versionIn: (dir: string) => string,
  ) {}

  running(): RunningModel {
    return { version: this.version, space: null, dir: null };
  }

  obstacle(): Obstacle | null {
    return null;
  }

  begin({ release }: Candidate): Trial {
    const { seed, stepMs, failing } = this.plan;
    const random = seededRandom(streamSeed(seed, this.box, release.serial));
    const fails = random.next() < failing(release.version) ? FAILURES[random.below(FAILURES.length)] : undefined;
    const step = async (name: Step, signal: AbortSignal): Promise<void> => {
      await delay(stepMs * random.between(0.5, 1.5), undefined, { signal });
      if (fails?.[0] === name) throw new TrialFailed(fails[1], 'failed by the simulation');
    };
    const agreement = random.between(0.97, 1);
    return {
      test: async (signal) => {
        await step('test', signal);
        return { agreement };
      },
      switch: () => Promise.resolve(),
      settle: (signal) => step('settle', signal),
      watch: async (signal) => {
        await step('watch', signal);
        return { agreement };
      },
      adopt: async (signal) => {
        await step('adopt', signal);
        this.version = release.version;
      },
      end: () => Promise.resolve(),
    };
  }

  restore(_: string, dir: string | null): Promise<void> {
    this.version = dir === null ? this.factory : this.versionIn(dir);
    return Promise.resolve();
  }
}
