import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { packageRoot } from '../../src/system/paths';
import { leashed } from '../support/leash';
import { until } from '../support/until';
import type { Step } from './tutorial-page';

/** The port that the pages name; every page gets a free one instead, so that suites can run at once. */
const PORT = /\b1883\b/g;

/** As root, mosquitto would change to a user who cannot read the folder of the test. */
const asThisUser = (): string => (process.getuid?.() === 0 ? 'user root\n' : '');

interface Terminal {
  readonly line: number;
  readonly child: ChildProcess;
  output: string;
  /** Where the reader looks on: behind what was waited for last. */
  read: number;
}

/** A folder in which tutorials are followed as a reader follows them in a clone: with `usher` on the path and `models` at hand. */
export class TutorialShell {
  readonly folder = mkdtempSync(join(tmpdir(), 'usher-tutorial-'));
  private readonly terminals: Terminal[] = [];
  private port = 1883;

  constructor() {
    const bin = join(this.folder, '.bin');
    mkdirSync(bin);
    writeFileSync(
      join(bin, 'usher'),
      `#!/bin/sh\nexec "${process.execPath}" "${join(packageRoot(), 'dist', 'main.js')}" "$@"\n`,
    );
    chmodSync(join(bin, 'usher'), 0o755);
    for (const part of ['models', 'dist', 'device-config'])
      symlinkSync(join(packageRoot(), part), join(this.folder, part));
  }

  /** A new page begins. */
  usePort(port: number): void {
    this.port = port;
  }

  /** @returns what the commands printed, empty for other steps @throws Error with the output where a step fails */
  async follow(step: Step): Promise<string> {
    switch (step.kind) {
      case 'skip':
        return '';
      case 'write': {
        const file = join(this.folder, step.file);
        mkdirSync(dirname(file), { recursive: true });
        writeFileSync(file, this.ported(step.text) + (step.file.endsWith('.conf') ? asThisUser() : ''));
        return '';
      }
      case 'run':
        return this.run(step.line, this.ported(step.script));
      case 'start':
        this.start(step.line, this.ported(step.command));
        return '';
      case 'wait':
        await this.waitFor(step.line, step.text);
        return '';
    }
  }

  /** Ends what the second terminals run, the latest first. */
  async closeTerminals(): Promise<void> {
    for (const { child } of this.terminals.splice(0).reverse()) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const gone = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      await gone;
    }
  }

  async dispose(): Promise<void> {
    await this.closeTerminals();
    rmSync(this.folder, { recursive: true, force: true });
  }

  private ported(text: string): string {
    return text.replace(PORT, String(this.port));
  }

  private spawn(script: string): ChildProcess {
    const path = `${join(this.folder, '.bin')}:${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`;
    return spawn(...leashed('bash', ['-euo', 'pipefail', '-c', script]), {
      cwd: this.folder,
      env: { ...process.env, PATH: path },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  }

  private run(line: number, script: string): Promise<string> {
    const child = this.spawn(script);
    let output = '';
    const hear = (chunk: Buffer): void => void (output += chunk.toString());
    child.stdout?.on('data', hear);
    child.stderr?.on('data', hear);
    return new Promise((done, failed) => {
      child.once('error', failed);
      child.once('close', (code) => {
        if (code === 0) done(output);
        else failed(new Error(`line ${line}: exit code ${code} of\n${script}\n${output}\n${this.shown()}`));
      });
    });
  }

  private start(line: number, command: string): void {
    const terminal: Terminal = { line, child: this.spawn(`exec ${command}`), output: '', read: 0 };
    const hear = (chunk: Buffer): void => void (terminal.output += chunk.toString());
    terminal.child.stdout?.on('data', hear);
    terminal.child.stderr?.on('data', hear);
    this.terminals.push(terminal);
  }

  private async waitFor(line: number, text: string): Promise<void> {
    const ended = (): boolean => this.terminals.every(({ child }) => child.exitCode !== null);
    const shown = (): boolean => this.terminals.some((terminal) => readOn(terminal, text));
    const failed = (): Error => new Error(`line ${line}: all terminals ended without "${text}"\n${this.shown()}`);
    const seen = (): boolean => {
      if (shown()) return true;
      // What it printed last may be what was waited for.
      if (!ended()) return false;
      if (shown()) return true;
      throw failed();
    };
    await until(`"${text}" (line ${line})`, seen, { detail: () => this.shown() });
  }

  private shown(): string {
    return this.terminals.map(({ line, output }) => `terminal of line ${line}:\n${output}`).join('\n');
  }
}

function readOn(terminal: Terminal, text: string): boolean {
  const at = terminal.output.indexOf(text, terminal.read);
  if (at < 0) return false;
  terminal.read = at + text.length;
  return true;
}
