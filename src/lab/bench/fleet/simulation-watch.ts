import type { FleetView } from '../../../fleet/manager/view';
import { sampleProcess } from '../daemon/processes';
import type { SimulatedFleet } from './simulated-fleet';

export interface SimulationFigures {
  readonly boxes: number;
  /**
   * Of the good release: boxes that run it at the end, from their disks, and the time from the offer to the end of the
   * last stage.
   */
  readonly committed: number;
  readonly goodMs: number;
  /**
   * Of the bad one: the stage (from 0) in which it was paused, and why; boxes beyond that stage that had started it;
   * boxes that ran it.
   */
  readonly pause: { readonly stage: number; readonly why: string };
  readonly beyondFirst: number;
  readonly taken: number;
  /** Boxes that run the good release after the bad one was aborted. */
  readonly kept: number;
  /** Comparisons with the manager's table, at the end and during the rollout. */
  readonly compared: number;
  readonly untrue: number;
  readonly looks: number;
  readonly untrueOnTheWay: number;
  readonly outages: number;
  readonly powerCuts: number;
  readonly reports: number;
  /** Peak memory: of this process with all boxes and the manager, and of the broker. */
  readonly rssMb: number;
  readonly brokerRssMb: number | null;
}

const SAMPLE_MS = 500;

/** Measures memory, and whether the manager's table is correct, while a simulation runs. */
export class Watch {
  private looks = 0;
  private untrueOnTheWay = 0;
  private rssMb = 0;
  private brokerRssMb: number | null = null;
  private readonly timer: NodeJS.Timeout;

  constructor(
    private readonly boxes: SimulatedFleet,
    private readonly broker: number | null,
  ) {
    this.timer = setInterval(() => this.sample(), SAMPLE_MS);
  }

  get peaks(): Pick<SimulationFigures, 'looks' | 'untrueOnTheWay' | 'rssMb' | 'brokerRssMb'> {
    this.sample();
    const { looks, untrueOnTheWay, rssMb, brokerRssMb } = this;
    return { looks, untrueOnTheWay, rssMb, brokerRssMb };
  }

  stop(): void {
    clearInterval(this.timer);
  }

  compare(view: FleetView): void {
    this.looks++;
    this.untrueOnTheWay += this.boxes.untrue(view).untrue;
  }

  private sample(): void {
    this.rssMb = Math.max(this.rssMb, process.memoryUsage().rss / 1e6);
    const broker = this.broker === null ? null : sampleProcess(this.broker);
    if (broker !== null) this.brokerRssMb = Math.max(this.brokerRssMb ?? 0, broker.rssMb);
  }
}
