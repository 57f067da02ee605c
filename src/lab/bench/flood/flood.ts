import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { packageRoot } from '../../../system/paths';
import type { FloodJob } from './flooder';

/** Floods a broker on the loopback interface from another thread. */
export class Flood {
  private total = { messages: 0, seconds: 0 };
  private readonly worker: Worker;

  private constructor(job: FloodJob) {
    this.worker = new Worker(join(packageRoot(), 'dist', 'lab', 'bench', 'flood', 'flooder.js'), { workerData: job });
    this.worker.on('message', (total: { messages: number; seconds: number }) => (this.total = total));
  }

  static start(job: FloodJob): Flood {
    return new Flood(job);
  }

  /** @returns messages sent, and over how many seconds */
  async stop(): Promise<{ readonly messages: number; readonly seconds: number }> {
    await this.worker.terminate();
    return this.total;
  }
}
