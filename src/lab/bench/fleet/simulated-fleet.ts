import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { rolloutPlace } from '../../../fleet/release';
import type { FleetView } from '../../../fleet/manager/view';
import { Line } from './line';
import { type BoxPlan, SimulatedBox, SITE } from './simulated-box';

export interface FleetParts {
  readonly boxes: number;
  readonly connections: number;
  readonly url: string;
  /** Folder for the disks of the boxes. */
  readonly dir: string;
  readonly rootFile: string;
  readonly plan: BoxPlan;
}

/** After this time without a new message, the manager has received everything from a box. */
const SETTLED_MS = 5000;

/** All boxes of a simulation and the connections that they share. */
export class SimulatedFleet {
  private readonly lines: Line[] = [];
  private readonly boxes: SimulatedBox[] = [];
  readonly counted = { outages: 0, powerCuts: 0, reports: 0 };

  constructor(private readonly parts: FleetParts) {}

  /** @throws UsherError `broker-failed` */
  async start(onProgress: (share: number) => void): Promise<void> {
    const { boxes, connections, url, dir, rootFile, plan } = this.parts;
    const root = readFileSync(rootFile);
    for (let index = 0; index < Math.min(connections, boxes); index++) {
      const line = new Line(url, `usher-simulated-${index}`);
      await line.open();
      this.lines.push(line);
    }
    for (let index = 0; index < boxes; index++) {
      const line = this.lines[index % this.lines.length];
      if (line === undefined) throw new Error('no line');
      const box = new SimulatedBox({
        index,
        dir: join(dir, `box-${index}`),
        root,
        line,
        plan,
        counted: this.counted,
      });
      box.start();
      this.boxes.push(box);
      if (index % 20 !== 0) continue;
      onProgress(index / boxes);
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  async stop(): Promise<void> {
    await Promise.all(this.boxes.map((box) => box.stop()));
    await Promise.all(this.lines.map((line) => line.close()));
  }

  /** Boxes whose disk has this release as active; null: the installed version. */
  running(release: string | null): number {
    return this.boxes.filter((box) => box.active === release).length;
  }

  /** Boxes beyond a stage that started a release too early. */
  beyond(release: string, stage: number): number {
    return this.boxes.filter(({ device, said }) => {
      const begun = said?.candidate?.release === release && said.state !== 'offered' && said.state !== 'refused';
      return begun && rolloutPlace(release, SITE, device) >= stage;
    }).length;
  }

  /**
   * Boxes that the manager's table shows wrongly: whether they are online; what runs, compared with the disk; how far
   * the update is, compared with the box's last report. Boxes that published, connected or disconnected a moment ago
   * are skipped.
   */
  untrue(view: FleetView, settledMs = SETTLED_MS): { readonly compared: number; readonly untrue: number } {
    const table = new Map(view.all().map((box) => [box.device, box]));
    const now = performance.now();
    const settled = this.boxes.filter(({ movedAt }) => now - movedAt >= settledMs);
    const untrue = settled.filter((box) => {
      const known = table.get(box.device);
      const row = known?.reported?.channels[0];
      if (known?.online !== box.online) return true;
      return box.online && (row?.state !== box.said?.state || (row?.active?.release ?? null) !== box.active);
    });
    return { compared: settled.length, untrue: untrue.length };
  }
}
