import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { packageRoot } from '../../../src/system/paths';

/** A command with all below it, as data. */
export interface CommandTree {
  readonly name: string;
  readonly description: string;
  readonly usage: string;
  readonly arguments: readonly {
    readonly name: string;
    readonly description: string;
    readonly required: boolean;
    readonly variadic: boolean;
  }[];
  readonly options: readonly {
    readonly flags: string;
    readonly description: string;
    readonly mandatory: boolean;
    readonly choices: readonly string[] | null;
    readonly default: string | null;
  }[];
  /** What help prints after the options. */
  readonly more: string;
  readonly commands: readonly CommandTree[];
}

let known: CommandTree | null = null;

/** The command line of the last build. */
export function commandTree(): CommandTree {
  const scripts = [join('test', 'support', 'run-ts.cjs'), join('test', 'docs', 'reference', 'command-tree-main.ts')];
  const [runTs = '', main = ''] = scripts.map((script) => join(packageRoot(), script));
  const print = (): string =>
    execFileSync(process.execPath, ['-r', runTs, main], { encoding: 'utf8', maxBuffer: 16 * 1024 * 1024 });
  known ??= JSON.parse(print()) as CommandTree;
  return known;
}
