import {
  concatMap,
  debounceTime,
  defer,
  distinctUntilChanged,
  from,
  map,
  merge,
  mergeMap,
  type Observable,
  of,
  share,
} from 'rxjs';
import type { GpioContactConfig } from '../config/schema/readers';
import { LineSplitter } from './lines';
import { type ReadingProgram, runOnce, runReading } from './program';
import { type ContactLevel, type ContactSource, LISTENING, readerFailed } from './source';

type Level = 0 | 1;

/** Names or paths of libgpiod's programs. */
export interface GpioPrograms {
  readonly gpiomon: string;
  readonly gpioget: string;
}

const ASK_MS = 2000;

/**
 * A door contact on a GPIO line, through libgpiod: `gpioget` reads the level at the start, `gpiomon` every edge after
 * it. Each edge states the new level, so the next edge corrects one that was lost between the two programs (some
 * milliseconds). libgpiod 1 and 2 have different command lines; the version is checked at every opening.
 */
export class GpioContact implements ContactSource {
  readonly name: string;

  constructor(
    private readonly config: GpioContactConfig,
    private readonly programs: GpioPrograms = { gpiomon: 'gpiomon', gpioget: 'gpioget' },
  ) {
    this.name = `${config.chip} line ${config.line}`;
  }

  open(): Observable<ContactLevel | typeof LISTENING> {
    return defer(() => from(this.ask())).pipe(
      mergeMap(({ version, level }) => {
        const edges = this.edges(version).pipe(share());
        const listening = edges.pipe(concatMap((edge) => (edge === LISTENING ? [LISTENING] : [])));
        const levels = edges.pipe(concatMap((edge) => (edge === LISTENING ? [] : [edge])));
        const settled = merge(of(level), levels.pipe(debounceTime(this.config.debounceMs)));
        return merge(listening, settled.pipe(distinctUntilChanged()));
      }),
      map((said): ContactLevel | typeof LISTENING =>
        said === LISTENING ? LISTENING : { open: (said === 1) === (this.config.openWhen === 'high') },
      ),
    );
  }

  private async ask(): Promise<{ readonly version: 1 | 2; readonly level: Level }> {
    const { gpiomon, gpioget } = this.programs;
    const { chip, line, bias } = this.config;
    const version = versionOf(await runOnce(this.program(gpiomon, '--version'), ASK_MS));
    const argv: readonly string[] =
      version === 1
        ? [`--bias=${bias}`, chip, String(line)]
        : [...biasOf2(bias), '--numeric', '--chip', chip, String(line)];
    const said = (await runOnce(this.program(gpioget, ...argv), ASK_MS)).trim();
    if (said !== '0' && said !== '1')
      throw readerFailed(`${this.name}: ${gpioget} printed no level`, 'Run it by hand: it prints 0 or 1.');
    return { version, level: said === '1' ? 1 : 0 };
  }

  private edges(version: 1 | 2): Observable<Level | typeof LISTENING> {
    const { chip, line, bias } = this.config;
    const argv: readonly string[] =
      version === 1
        ? ['--line-buffered', `--bias=${bias}`, '--format=%e', chip, String(line)]
        : ['--edges', 'both', ...biasOf2(bias), '--format', '%E', '--chip', chip, String(line)];
    const splitter = new LineSplitter();
    return runReading(this.program(this.programs.gpiomon, ...argv)).pipe(
      concatMap((bytes) => {
        if (bytes === LISTENING) return [LISTENING] as (Level | typeof LISTENING)[];
        const levels: Level[] = [];
        splitter.push(bytes, (text) => {
          // Version 1 prints 0 for falling and 1 for rising by %e.
          if (text === '1' || text === 'rising') levels.push(1);
          else if (text === '0' || text === 'falling') levels.push(0);
        });
        return levels;
      }),
    );
  }

  private program(command: string, ...args: readonly string[]): ReadingProgram {
    return {
      argv: [command, ...args],
      about: `contact ${this.name}`,
      remedy:
        'Check chip and line (gpioinfo), that nothing else uses the line, and that this user is in the group "gpio".',
      debianPackage: 'gpiod',
    };
  }
}

/** Without an option version 2 leaves the bias unchanged. It has no option that says so. */
function biasOf2(bias: GpioContactConfig['bias']): string[] {
  return bias === 'as-is' ? [] : ['--bias', bias === 'disable' ? 'disabled' : bias];
}

/** `gpiomon (libgpiod) v1.6.3`. */
function versionOf(text: string): 1 | 2 {
  const major = /\bv?(\d+)\.\d+/.exec(text)?.[1];
  if (major === '1') return 1;
  if (major === '2') return 2;
  throw readerFailed('gpiomon belongs neither to libgpiod 1 nor to libgpiod 2', 'Install the Debian package gpiod.');
}
