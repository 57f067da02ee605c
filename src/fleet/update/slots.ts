import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type z } from 'zod';
import { messageOf, systemCode, UsherError } from '../../errors';
import { syncFolder, writeDurably } from '../../files/durable-file';
import { Channel } from '../../mqtt/topics/update-payloads';
import { ChannelState, idleState, type Installed, Pointer } from './update-state';

const FOLDER = 'releases';
const POINTER = 'current.json';
const STATE = 'state.json';
/**
 * A command that wants the previous version from the running daemon creates this file; the daemon deletes it
 * afterwards.
 */
const ORDER = 'rollback';
/** `/` separates a channel's name and cannot be in a file name; `_` is in no channel. */
const folderOf = (channel: string): string => channel.replace('/', '_');
const channelOf = (folder: string): string => folder.replace('_', '/');

/**
 * The versions of every channel, side by side under `<dataDir>/releases/<channel>/`: a folder a release, `current.json`, which names
 * the active and the previous one, and `state.json`, how far an update is. Every file is replaced whole and flushed with its folder.
 *
 * Invariants: what `current.json` names is there, whole, before it is named; nothing that it names is ever written to or removed.
 */
export class Slots {
  private readonly root: string;

  constructor(dataDir: string) {
    this.root = join(dataDir, FOLDER);
  }

  /** Channels that anything is known of. */
  get channels(): string[] {
    try {
      return readdirSync(this.root, { withFileTypes: true })
        .filter((entry) => entry.isDirectory())
        .map((entry) => channelOf(entry.name))
        .filter((channel) => Channel.safeParse(channel).success)
        .sort();
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return [];
      throw unreadable(this.root, error);
    }
  }

  /** Makes the channel's folder, flushed, so that a power cut does not take what is put into it. */
  prepare(channel: string): void {
    const folder = join(this.root, folderOf(channel));
    if (mkdirSync(folder, { recursive: true, mode: 0o700 }) === undefined) return;
    syncFolder(this.root);
    syncFolder(join(this.root, '..'));
  }

  /** The folder of a release. Two releases have two serials, so no version overwrites another. */
  dirOf(channel: string, { serial, version }: { readonly serial: number; readonly version: string }): string {
    return join(this.root, folderOf(channel), `${serial}-${version}`);
  }

  /** @throws UsherError `file-unreadable`: then the active version is unknown, and the installed one runs */
  pointer(channel: string): Pointer {
    return this.read(channel, POINTER, Pointer) ?? { v: 1, channel, active: null, previous: null };
  }

  /** The switch: from now on the box starts with `active`. */
  activate(channel: string, active: Installed): void {
    const before = this.pointer(channel);
    if (before.active?.document === active.document) return;
    this.write(channel, POINTER, { v: 1, channel, active, previous: before.active } satisfies Pointer);
  }

  /** Back to the previous version, or to the installed one. The active one is not kept. */
  revert(channel: string): Pointer {
    const { previous } = this.pointer(channel);
    const reverted: Pointer = { v: 1, channel, active: previous, previous: null };
    this.write(channel, POINTER, reverted);
    return reverted;
  }

  /** An unreadable state starts again: the pointer, not the state, says what runs. */
  state(channel: string, now: number): ChannelState {
    try {
      return this.read(channel, STATE, ChannelState) ?? idleState(channel, now);
    } catch {
      return idleState(channel, now);
    }
  }

  saveState(state: ChannelState): void {
    this.write(state.channel, STATE, state);
  }

  order(channel: string): void {
    this.write(channel, ORDER, {});
  }

  /** Channels whose previous version an operator at the box wants back. */
  get ordered(): string[] {
    return this.channels.filter((channel) => readdirSync(join(this.root, folderOf(channel))).includes(ORDER));
  }

  settleOrder(channel: string): void {
    rmSync(join(this.root, folderOf(channel), ORDER), { force: true });
  }

  /** Deletes unneeded versions: all but the active one, the previous one and those named. */
  sweep(channel: string, keep: readonly { readonly serial: number; readonly version: string }[]): void {
    const { active, previous } = this.pointer(channel);
    const kept = new Set(
      [active, previous, ...keep].flatMap((one) => (one === null ? [] : [`${one.serial}-${one.version}`])),
    );
    const folder = join(this.root, folderOf(channel));
    for (const entry of readdirSync(folder, { withFileTypes: true }))
      if (entry.isDirectory() && /^\d+-/.test(entry.name) && !kept.has(entry.name))
        rmSync(join(folder, entry.name), { recursive: true, force: true });
  }

  private read<S extends z.ZodType>(channel: string, name: string, schema: S): z.infer<S> | null {
    const file = join(this.root, folderOf(channel), name);
    try {
      return schema.parse(JSON.parse(readFileSync(file, 'utf8')));
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return null;
      throw unreadable(file, error);
    }
  }

  private write(channel: string, name: string, value: object): void {
    this.prepare(channel);
    const file = join(this.root, folderOf(channel), name);
    try {
      writeDurably(file, Buffer.from(`${JSON.stringify(value)}\n`));
    } catch (error) {
      throw new UsherError('store-unavailable', `${file}: ${messageOf(error)}`, {
        remedy: 'Free space on the disk of the data folder, and check that this user may write there.',
        cause: error,
      });
    }
  }
}

function unreadable(file: string, cause: unknown): UsherError {
  return new UsherError('file-unreadable', `${file}: ${messageOf(cause)}`, {
    remedy: 'Remove this file: the box then runs what its installation brought, and the fleet’s offer is taken again.',
    cause,
  });
}
