import { Holder, run } from '../../system/programs';
import type { Switch } from './relay';

export interface GpioOptions {
  /** `gpiochip0`, for example. */
  readonly chip: string;
  readonly line: number;
  /** The relay opens on a low level. */
  readonly activeLow: boolean;
  /** Path or name of libgpiod's program. */
  readonly gpioset: string;
}

type Argv = [string, ...string[]];

/** A gpioset that still runs after this time holds the line. */
const SETTLE_MS = 40;
const COMMAND_MS = 2000;
/** Long enough for the level to reach the relay before the line is released. */
const INACTIVE_HOLD = '20ms';

/**
 * A relay on a GPIO line, through libgpiod's `gpioset`. A line keeps its level only while a process holds it (kernel
 * documentation, GPIO character device), so the process lives as long as the pulse. It limits itself, in case usher
 * dies. Afterwards the line is driven inactive explicitly. libgpiod 1 and 2 have different command lines; the version
 * is checked once.
 */
export class GpioSwitch implements Switch {
  private readonly holder = new Holder();
  private version: Promise<1 | 2> | null = null;
  private holding = false;

  constructor(private readonly options: GpioOptions) {}

  async on(maxMs: number): Promise<void> {
    if (this.holding) return;
    const argv = activeArgv(this.options, await this.libgpiod(), maxMs);
    this.holding = true;
    await this.holder.start(argv, SETTLE_MS);
  }

  async off(): Promise<void> {
    await this.holder.end(500);
    this.holding = false;
    await run(inactiveArgv(this.options, await this.libgpiod()), COMMAND_MS);
  }

  private libgpiod(): Promise<1 | 2> {
    this.version ??= run([this.options.gpioset, '--version'], COMMAND_MS).then(
      (text) => versionOf(text),
      (error: unknown) => {
        // Checked again next time: it may be installed meanwhile.
        this.version = null;
        throw error;
      },
    );
    return this.version;
  }
}

/** `gpioset (libgpiod) v1.6.3`, `gpioset (libgpiod) v2.1.3`. */
export function versionOf(text: string): 1 | 2 {
  const major = /\bv?(\d+)\.\d+/.exec(text)?.[1];
  if (major === '1') return 1;
  if (major === '2') return 2;
  throw new Error('gpioset belongs neither to libgpiod 1 nor to libgpiod 2');
}

/** Drives the line active and holds it for at most `maxMs`. */
export function activeArgv(options: GpioOptions, version: 1 | 2, maxMs: number): Argv {
  const { gpioset, chip, line } = options;
  const low = options.activeLow ? ['--active-low'] : [];
  if (version === 1)
    return [
      gpioset,
      ...low,
      '--mode=time',
      `--sec=${Math.floor(maxMs / 1000)}`,
      `--usec=${Math.round((maxMs % 1000) * 1000)}`,
      chip,
      `${line}=1`,
    ];
  // Version 2: after the first period the line is toggled to inactive; a last period of 0 ends the program.
  return [gpioset, ...low, '--consumer', 'usher', '--toggle', `${Math.round(maxMs)}ms,0`, '--chip', chip, `${line}=1`];
}

/** Drives the line inactive and releases it. */
export function inactiveArgv(options: GpioOptions, version: 1 | 2): Argv {
  const { gpioset, chip, line } = options;
  const low = options.activeLow ? ['--active-low'] : [];
  if (version === 1) return [gpioset, ...low, '--mode=time', '--usec=20000', chip, `${line}=0`];
  return [
    gpioset,
    ...low,
    '--consumer',
    'usher',
    '--hold-period',
    INACTIVE_HOLD,
    '--toggle',
    '0',
    '--chip',
    chip,
    `${line}=0`,
  ];
}
