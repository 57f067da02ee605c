import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { packageRoot } from '../../../system/paths';
import type { FloodJob } from './flooder';
import { WHOLE_FLEET } from '../../../fleet/release';
import type { TopicBase } from '../../../mqtt/topics/topic-names';

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

/** Every topic that a user of the access rules may write, with the names of one box for the wildcards. */
export function writableTopics(acl: string, user: string, { site, device }: TopicBase): string[] {
  const [, section = ''] = new RegExp(`^user ${user}$([\\s\\S]*?)(?=^user |(?![\\s\\S]))`, 'm').exec(acl) ?? [];
  return [...section.matchAll(/^topic (?:write|readwrite) (\S+)$/gm)].map(([, filter = '']) => {
    const parts = filter.split('/');
    // usher/v1/{site}/{device}/…, or usher/v1/fleet/{group}/…
    const own = parts[2] !== 'fleet';
    if (own) parts[2] = site;
    let wildcards = 0;
    return parts.map((part) => (part !== '+' ? part : wildcards++ > 0 ? 'x' : own ? device : WHOLE_FLEET)).join('/');
  });
}
