import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { UsherError } from '../../../errors';
import { carry } from '../../../fleet/manager/carry';
import { readContent } from '../../../fleet/manager/content';
import { desiredTopic, writeDesired } from '../../../fleet/manager/desired';
import { FleetFolder } from '../../../fleet/manager/fleet-folder';
import { addRelease, offerOf } from '../../../fleet/manager/publish';
import { FleetView, type ReportedChannel, VIEW_FILTERS } from '../../../fleet/manager/view';
import { FACE_CHANNELS } from '../../../fleet/update/installed';
import { type Offer, type OfferScope, WHOLE_FLEET } from '../../../fleet/release';
import { Guest } from '../../../mqtt/link/guest';
import { sha256Hex } from '../../../digest';
import { pollUntil } from '../../../system/poll';

const ALL: OfferScope = { kind: 'group', group: WHOLE_FLEET };
const CHANNEL = FACE_CHANNELS.encoder;
const PATIENCE_MS = 60_000;
const LOOK_MS = 20;

/** A large release on a broker. A box can be made to start and stop fetching it. */
export class BenchRelease {
  private constructor(
    private readonly fleet: FleetFolder,
    private readonly view: FleetView,
    private readonly guest: Guest,
    private readonly offer: Offer,
  ) {}

  /** Makes a fleet. @returns the folder of its root of trust */
  static init(folder: string): string {
    FleetFolder.init(folder, { rootKeys: 1, rootThreshold: 1, passphrase: null, now: Date.now() });
    return join(folder, 'root.json');
  }

  /**
   * Publishes a release: the encoder in use, and ballast of the given size.
   * @throws UsherError `broker-failed`, `model-invalid`
   */
  static async put(folder: string, encoder: string, ballastBytes: number, broker: string): Promise<BenchRelease> {
    const fleet = FleetFolder.open(folder, { passphrase: null, keyFolders: [] });
    const bundle = join(folder, 'bundle');
    cpSync(encoder, bundle, { recursive: true });
    const file = join(bundle, 'card.json');
    const card = JSON.parse(readFileSync(file, 'utf8')) as { files: object };
    const ballast = Buffer.alloc(ballastBytes, 'of no use ');
    const digest = sha256Hex(ballast);
    writeFileSync(join(bundle, 'ballast'), ballast);
    writeFileSync(file, JSON.stringify({ ...card, version: '999.0.0', files: { ...card.files, ballast: digest } }));
    const release = addRelease(fleet, await readContent(bundle, ''), {
      channel: CHANNEL,
      version: null,
      summary: 'for a benchmark',
      embeddingRule: 'same',
      lifeDays: 1,
      requires: { usher: null, arch: null, memoryMiB: null },
      now: Date.now(),
    });
    rmSync(bundle, { recursive: true });
    const view = new FleetView();
    const guest = await Guest.connect({ url: broker }, ({ topic, payload }) => void view.hear(topic, payload));
    for (const filter of VIEW_FILTERS) await guest.subscribe(filter);
    await carry(fleet, { retain: (topic, payload) => guest.retain(topic, payload) }, broker);
    const offer = offerOf(release, { stages: [10_000], stage: 0, state: 'rolling', why: null });
    return new BenchRelease(fleet, view, guest, offer);
  }

  /** Bytes of the release that the box has; null while it does not fetch. */
  get have(): number | null {
    return this.channel?.bytes?.have ?? null;
  }

  /** Resolves when bytes arrive. @throws UsherError `broker-failed` if none do */
  async begin(): Promise<void> {
    await this.want([this.offer]);
    await this.until('fetches it', () => this.have !== null);
    const before = this.have ?? 0;
    await this.until('continues the transfer', () => (this.have ?? 0) > before);
  }

  /** Resolves when no more bytes arrive. The next transfer continues from what is there. */
  async leaveOff(): Promise<void> {
    await this.want([]);
    await this.until('leaves off', () => this.channel?.state === 'idle');
  }

  close(): Promise<void> {
    return this.guest.close();
  }

  private get channel(): ReportedChannel | undefined {
    return this.view.all()[0]?.reported?.channels.find(({ channel }) => channel === CHANNEL);
  }

  private async want(offers: readonly Offer[]): Promise<void> {
    const desired = writeDesired(this.fleet, ALL, () => offers, Date.now());
    await this.guest.retain(desiredTopic(desired.scope), JSON.stringify(desired));
  }

  private async until(what: string, holds: () => boolean): Promise<void> {
    if (await pollUntil(holds, { everyMs: LOOK_MS, withinMs: PATIENCE_MS })) return;
    const { state, reason, detail } = this.channel ?? {};
    const why = `${state ?? 'silent'}${typeof reason !== 'string' ? '' : `, ${reason}: ${detail ?? ''}`}`;
    throw new UsherError('broker-failed', `a release is offered, and no box ${what}: it is ${why}`);
  }
}
