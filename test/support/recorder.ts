import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A network camera that is no good: `/garbage` sends noise, `/ends` a clip that is over soon. */
export class Recorder {
  private server: Server | null = null;
  private readonly asked: string[] = [];

  get url(): string {
    return `http://127.0.0.1:${(this.server?.address() as AddressInfo).port}`;
  }

  async start(clip: string): Promise<void> {
    const video = readFileSync(clip);
    const server = createServer((request, response) => {
      const path = request.url ?? '';
      this.asked.push(path);
      response.end(path === '/ends' ? video : randomBytes(1 << 20));
    });
    this.server = server;
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  }

  opened(path: string): number {
    return this.asked.filter((asked) => asked === path).length;
  }

  async untilOpened(path: string, times: number, ms: number): Promise<void> {
    const deadline = performance.now() + ms;
    while (this.opened(path) < times) {
      if (performance.now() > deadline) throw new Error(`${path} was opened ${this.opened(path)} times, not ${times}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  async stop(): Promise<void> {
    this.server?.closeAllConnections();
    await new Promise((resolve) => this.server?.close(resolve) ?? resolve(null));
  }
}
