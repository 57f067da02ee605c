import { messageOf, UsherError } from '../../errors';
import { readBundle } from '../../inference/bundle';
import { Slots } from './slots';
import type { Installed } from './update-state';

/** Channels of the face models by their role. */
export const FACE_CHANNELS = { detector: 'face/detector', encoder: 'face/encoder' } as const;
export type FacePart = keyof typeof FACE_CHANNELS;

export interface InstalledModels {
  /** Folders of the bundles that releases brought; undefined means the installed one. */
  readonly detector?: string;
  readonly encoder?: string;
}

/**
 * The face models that releases brought, in the form that `chooseModels` takes. Checks every byte: if the active
 * version is damaged, the previous one is used, else the installed one.
 * @param warn called for each skipped version, with the reason
 */
export async function installedModels(
  dataDir: string,
  warn: (channel: string, why: string) => void = () => undefined,
): Promise<InstalledModels> {
  const slots = new Slots(dataDir);
  const found: { detector?: string; encoder?: string } = {};
  for (const [part, channel] of Object.entries(FACE_CHANNELS) as [FacePart, string][]) {
    const dir = await wholeSlot(slots, channel, warn);
    if (dir !== null) found[part] = dir;
  }
  return found;
}

/** The channel of the model that distinguishes day from night. */
export const SCENE_CHANNEL = 'scene';

/** The scene model that a release brought; null if none. Checked like `installedModels`. */
export function installedScene(
  dataDir: string,
  warn: (channel: string, why: string) => void = () => undefined,
): Promise<string | null> {
  return wholeSlot(new Slots(dataDir), SCENE_CHANNEL, warn);
}

/** The channel of a trigger word's bundle: `wake/computer` for `wake-computer`. */
export function channelOfWord(bundle: string): string {
  return `wake/${bundle
    .replace(/^wake-/, '')
    .replaceAll('.', '-')
    .slice(0, 32)}`;
}

/** The bundle of a channel, among those that this box uses. */
export function wordOfChannel(channel: string, bundles: readonly string[]): string | null {
  return bundles.find((bundle) => channelOfWord(bundle) === channel) ?? null;
}

/** The trigger words that releases brought, by the names of their bundles; checked like `installedModels`. */
export async function installedWords(
  dataDir: string,
  bundles: readonly string[],
  warn: (channel: string, why: string) => void = () => undefined,
): Promise<Readonly<Record<string, string>>> {
  const slots = new Slots(dataDir);
  const dirs: Record<string, string> = {};
  for (const bundle of bundles) {
    const dir = await wholeSlot(slots, channelOfWord(bundle), warn);
    if (dir !== null) dirs[bundle] = dir;
  }
  return dirs;
}

async function wholeSlot(
  slots: Slots,
  channel: string,
  warn: (channel: string, why: string) => void,
): Promise<string | null> {
  let candidates: (Installed | null)[] = [];
  try {
    const { active, previous } = slots.pointer(channel);
    candidates = [active, previous];
  } catch (error) {
    warn(channel, messageOf(error));
  }
  for (const one of candidates) {
    // A threshold table has become a bundle in its slot.
    if (one === null || one.kind === 'config') continue;
    const dir = slots.dirOf(channel, one);
    try {
      await readBundle(dir);
      return dir;
    } catch (error) {
      warn(channel, `${one.version}: ${messageOf(error)}`);
    }
  }
  return null;
}

/** Folder of the encoder that an update brought and that is not active yet. @throws UsherError `model-missing` */
export function candidateEncoder(dataDir: string): string {
  const slots = new Slots(dataDir);
  const channel = FACE_CHANNELS.encoder;
  const { state, candidate } = slots.state(channel, 0);
  if ((state === 'staged' || state === 'tested') && candidate?.release?.kind === 'bundle')
    return slots.dirOf(channel, candidate.release);
  throw new UsherError('model-missing', `no encoder waits to be activated on this box (its update is ${state})`, {
    remedy: 'See `usher fleet status`; without --candidate, members are enrolled for the encoder that runs.',
  });
}
