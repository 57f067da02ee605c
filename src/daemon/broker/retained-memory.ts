import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { messageOf, systemCode } from '../../errors';
import type { RetainedMemory } from '../../mqtt/client/ghosts';
import { writeDurably } from '../../files/durable-file';
import type { Log } from '../../system/log';

const FILE = 'mqtt-retained.json';
const Remembered = z.strictObject({
  v: z.literal(1),
  /** Topics on which the broker retains a message of this box. */
  topics: z.array(z.string().max(512)).max(4096),
  /** What was announced to Home Assistant: platform by component. */
  components: z.record(z.string().max(256), z.string().max(64)),
});
type Remembered = z.infer<typeof Remembered>;

/**
 * Remembers what the broker retains of this box, over restarts and changes of the configuration, in a file of the data
 * folder. If the file cannot be read or written, only an outdated message may stay on the broker.
 */
export class RetainedFile implements RetainedMemory {
  private readonly file: string;
  private remembered: Remembered = { v: 1, topics: [], components: {} };
  private complained = false;

  constructor(
    dataDir: string,
    private readonly log: Log,
  ) {
    this.file = join(dataDir, FILE);
  }

  open(): void {
    try {
      this.remembered = Remembered.parse(JSON.parse(readFileSync(this.file, 'utf8')));
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return;
      this.log.warn(`cannot read what this box published earlier: ${this.file}: ${messageOf(error)}`);
    }
  }

  get components(): Readonly<Record<string, string>> {
    return this.remembered.components;
  }

  rememberComponents(components: Readonly<Record<string, string>>): void {
    if (JSON.stringify(components) === JSON.stringify(this.remembered.components)) return;
    this.save({ ...this.remembered, components: { ...components } });
  }

  read(): readonly string[] {
    return this.remembered.topics;
  }

  write(topics: readonly string[]): void {
    this.save({ ...this.remembered, topics: [...topics] });
  }

  private save(remembered: Remembered): void {
    this.remembered = remembered;
    try {
      writeDurably(this.file, Buffer.from(`${JSON.stringify(remembered)}\n`));
      this.complained = false;
    } catch (error) {
      if (!this.complained) this.log.warn(`cannot record what this box publishes: ${messageOf(error)}`);
      this.complained = true;
    }
  }
}
