import { messageOf, UsherError } from '../../errors';
import { readBundle } from '../../inference/bundle';
import { Slots } from './slots';
import type { Installed } from './update-state';

/** Channels of the face models, by the part that they play. */
export const FACE_CHANNELS = { detector: 'face/detector', encoder: 'face/encoder' } as const;
export type FacePart = keyof typeof FACE_CHANNELS;

export interface InstalledModels {
  /** Folders of the bundles that releases have brought; a part that is missing is what the installation brought. */
  readonly detector?: string;
  readonly encoder?: string;
}

/**
 * What releases have brought of the face models, as `chooseModels` takes it. Every byte is looked at: where the active version is
 * not whole, the previous one is taken, and where that is not either, what the installation brought.
 * @param warn of each version that was passed over, and why
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

/** The channel of the model that tells day from night. */
export const SCENE_CHANNEL = 'scene';

/** What a release has brought of the scene model; null: nothing. Checked as `installedModels` does. */
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

/** The bundle of a channel, of those that this box listens with. */
export function wordOfChannel(channel: string, bundles: readonly string[]): string | null {
  return bundles.find((bundle) => channelOfWord(bundle) === channel) ?? null;
}

/** What releases have brought of trigger words, by the names of their bundles; checked as `installedModels` does. */
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
    // A table of thresholds has become a bundle in its slot.
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

/** Folder of the encoder that an update has brought here and that is not active yet. @throws UsherError `model-missing` */
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
