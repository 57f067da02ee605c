import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { writeBundle } from '../../../src/bundles/write';
import { FACE_CHANNELS } from '../../../src/fleet/update/installed';
import { CONFIG_CHANNEL, OPERATORS } from '../../../src/fleet/update/effective-config';
import { CONFIG_FILE } from '../../../src/fleet/transfer/unpack';
import { tinyBundle } from '../../bundles/tiny-model';
import { leashed } from '../../support/leash';
import { everySecondsOf } from '../../fleet/samples';

const root = path.resolve(__dirname, '../../..');
/** Cuts of one update in a row: more than it takes for it to count as what ends the box. */
const CUTS = 5;
/** What may be updated, and what the installation brings of it. */
const FACTORY: Readonly<Record<string, string>> = { [FACE_CHANNELS.encoder]: '0.9.0', [CONFIG_CHANNEL]: OPERATORS };
export const TORTURED = Object.keys(FACTORY);

export interface TortureFacts {
  kills: number;
  updates: number;
  /** Updates that were cut off so often while they were tried that the box leads back from them. */
  ledBack: number;
  /** Boots with the old version and with the new one, after a kill in between. */
  oldBoots: number;
  newBoots: number;
}

/** A box that is updated again and again, and loses its power each time. */
export class UpdateTorture {
  private readonly dir = mkdtempSync(path.join(tmpdir(), 'usher-torture-'));
  private readonly dataDir = path.join(this.dir, 'data');
  private readonly shelf = path.join(this.dir, 'shelf');
  private running: string;
  /**
   * What the box may be started with next, the oldest first. After a cut nobody knows how far it came: what it ran, the release that
   * it was at, and the one that is wanted now are all legitimate until it says itself how it is.
   */
  private possible: string[];
  private release = 0;
  /** From boot to commit, as long as it took at most so far. */
  updateMs = 0;
  readonly facts: TortureFacts = { kills: 0, updates: 0, ledBack: 0, oldBoots: 0, newBoots: 0 };

  constructor(private readonly channel: string) {
    const factory = FACTORY[channel];
    if (factory === undefined) throw new Error(`${channel} is none of ${TORTURED.join(', ')}`);
    this.running = factory;
    this.possible = [factory];
  }

  async prepare(): Promise<void> {
    await this.shelve('factory', this.running);
  }

  remove(): void {
    rmSync(this.dir, { recursive: true, force: true });
  }

  /** A new release. Call before `kill`s of its update. */
  async next(): Promise<void> {
    this.release++;
    await this.shelve(String(this.release), this.version);
    this.possible.push(this.version);
  }

  /**
   * One run of the box that is killed at its n-th moment, or after so many ms. True: the update had come to its end before.
   * @throws Error when it boots with something that is neither the old nor the new version, or says what is not so
   */
  async kill(at: { moment: number } | { ms: number }): Promise<boolean> {
    const moment = 'moment' in at ? at.moment : 0;
    const child = spawn(
      ...leashed(process.execPath, [
        ...['-r', path.join(root, 'test/support/run-ts.cjs'), path.join(__dirname, 'update-child.ts')],
        ...[this.channel, this.dataDir, this.shelf, String(this.release), String(moment)],
      ]),
      { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] },
    );
    const lines: string[] = [];
    let errors = '';
    child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
    const out = createInterface({ input: child.stdout });
    let timer: NodeJS.Timeout | undefined;
    let bootedAt = 0;
    out.on('line', (line) => {
      lines.push(line);
      if (line.startsWith('boot') && bootedAt === 0) {
        bootedAt = performance.now();
        if ('ms' in at) timer = setTimeout(() => child.kill('SIGKILL'), at.ms);
      }
      if (line === 'done') this.updateMs = Math.max(this.updateMs, performance.now() - bootedAt);
      if (line === 'done' || line === 'led-back') child.kill('SIGKILL');
    });
    await ended(child, out);
    clearTimeout(timer);
    if (errors !== '') throw new Error(errors);
    this.judge(lines);
    this.facts.kills++;
    if (lines.includes('done')) this.facts.updates++;
    else if (lines.includes('led-back')) this.facts.ledBack++;
    else return false;
    return true;
  }

  private get version(): string {
    return `1.${this.release}.0`;
  }

  private judge(lines: readonly string[]): void {
    const wrong = (what: string): Error => new Error(`${what}: it ran ${this.running}\n${lines.join('\n')}`);
    let [booted, onTrial] = [false, false];
    for (const line of lines) {
      const [kind, ...words] = line.split(' ');
      if (kind === 'failed') throw wrong('the box does not start');
      if (kind === 'boot') {
        const [version, ...rest] = words;
        // Settings are tried by starting under them.
        onTrial = rest[0] === 'trial';
        const passedOver = onTrial ? rest.slice(1) : rest;
        if (passedOver.length > 0) throw wrong('a version was not whole');
        if (version === undefined || !this.possible.includes(version))
          throw wrong(`it boots with ${version ?? 'nothing'}, possible were ${this.possible.join(', ')}`);
        if (!booted && version === this.running) this.facts.oldBoots++;
        else if (!booted) this.facts.newBoots++;
        booted = true;
        if (onTrial) continue;
        this.running = version;
        // Only from a trial anything leads down in this game.
        this.possible = this.possible.slice(this.possible.indexOf(version));
      }
      if (kind === 'reported') {
        const [state, active, runs, candidate] = words;
        // Between the pointer and the take-over, a moment, the pointer tells what the next boot will run.
        const isTried = onTrial ? runs === candidate && state !== 'committed' : state === 'probation';
        if (active !== runs && !isTried) throw wrong(`it says ${active ?? ''} in ${state ?? ''}`);
        if (active === undefined || !this.possible.includes(active))
          throw wrong(`it says that ${active ?? ''} is active`);
        // It says how it is once that is on disk: no other version can be the next one.
        this.possible = this.possible.filter((one) => one === active || one === candidate || one === this.version);
        if (state === 'committed') this.running = active;
      }
    }
  }

  private async shelve(name: string, version: string): Promise<void> {
    const made = path.join(this.shelf, name);
    mkdirSync(this.shelf, { recursive: true });
    if (this.channel === CONFIG_CHANNEL) {
      mkdirSync(made);
      writeFileSync(path.join(made, CONFIG_FILE), `health: { everySeconds: ${everySecondsOf(version)} }\n`);
      return;
    }
    const bundle = tinyBundle('tiny', Number(version.split('.')[1]));
    const written = await writeBundle(path.join(this.dir, 'made'), { ...bundle, card: { ...bundle.card, version } });
    renameSync(written, made);
  }
}

async function ended(child: ChildProcess, out: NodeJS.EventEmitter): Promise<void> {
  await Promise.all([
    new Promise((resolve) => child.once('close', resolve)),
    new Promise((resolve) => out.once('close', resolve)),
  ]);
}

/**
 * Kills a box at every moment of an update, one after the other, then at random until the count is reached.
 * @param channel one of `TORTURED`
 * @param stride 1: at every moment; more: at each so many-th
 * @param told after each kill
 */
export async function torture(
  channel: string,
  kills: number,
  stride: number,
  told: (facts: TortureFacts) => void,
): Promise<TortureFacts> {
  const box = new UpdateTorture(channel);
  try {
    await box.prepare();
    // A whole update has so many moments; the first run past its last one ends with its commit.
    for (let moment = 1, done = false; !done && box.facts.kills < kills; moment += stride) {
      await box.next();
      done = await box.kill({ moment });
      if (!done && !(await box.kill({ moment: 10_000 }))) throw new Error('an update did not end');
      told(box.facts);
    }
    while (box.facts.kills < kills) {
      await box.next();
      // The last of a few is let go through: the box must be able to go on from wherever it was cut off.
      for (let cut = 0; cut < CUTS && box.facts.kills < kills; cut++)
        if (await box.kill({ ms: Math.random() * box.updateMs })) break;
      told(box.facts);
    }
    return box.facts;
  } finally {
    box.remove();
  }
}
