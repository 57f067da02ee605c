import { run } from '../../system/programs';
import type { Switch } from './relay';

type Argv = readonly [string, ...string[]];

/**
 * A lock that the operator's programs open and close. Each program runs once, to its end, and must exit with code 0.
 */
export class CommandSwitch implements Switch {
  constructor(private readonly commands: { readonly on: Argv; readonly off: Argv; readonly timeoutMs: number }) {}

  async on(): Promise<void> {
    await run(this.commands.on, this.commands.timeoutMs);
  }

  async off(): Promise<void> {
    await run(this.commands.off, this.commands.timeoutMs);
  }
}
