import { decode } from '../../mqtt/topics/decode';
import { StatusPayload } from '../../mqtt/topics/payloads';
import { UpdateReportedPayload } from '../../mqtt/topics/update-payloads';
import { monotonicMs } from '../../system/clock';

export type ReportedChannel = UpdateReportedPayload['channels'][number];

/** What a manager knows about one box, from retained messages only. */
export interface BoxView {
  readonly site: string;
  readonly device: string;
  readonly online: boolean | null;
  /**
   * Ms since this manager first saw it offline, by the manager's own clock; null while it is online. A retained message
   * does not show its age: a last will is written when the box connects, and with the box's clock, which may be wrong.
   * A manager that has just started therefore does not know of any box that it was offline for long.
   */
  readonly offlineMs: number | null;
  /** Birth of the status behind `online`. */
  readonly birth: number;
  /** Epoch ms of the last message, by the box's clock. */
  readonly seenAt: number;
  readonly reported: UpdateReportedPayload | null;
}

type Kept = { -readonly [K in keyof Omit<BoxView, 'offlineMs'>]: BoxView[K] } & {
  /** By the manager's monotonic clock. */
  offlineSince: number | null;
};

/** Topics of a manager, all retained, so that it needs no memory of its own. */
export const VIEW_FILTERS = ['usher/v1/+/+/update/reported', 'usher/v1/+/+/status'] as const;
const TOPIC = /^usher\/v1\/([a-z0-9][a-z0-9_-]{0,62})\/([a-z0-9][a-z0-9_-]{0,62})\/(update\/reported|status)$/;

/** The fleet as its boxes report it. An invalid message is only counted. */
export class FleetView {
  private readonly boxes = new Map<string, Kept>();
  ignored = 0;

  /** @param now monotonic ms */
  constructor(private readonly now: () => number = monotonicMs) {}

  get size(): number {
    return this.boxes.size;
  }

  all(): BoxView[] {
    const now = this.now();
    return [...this.boxes.values()]
      .map(({ offlineSince, ...box }) => ({ ...box, offlineMs: offlineSince === null ? null : now - offlineSince }))
      .sort((a, b) => (a.site === b.site ? (a.device < b.device ? -1 : 1) : a.site < b.site ? -1 : 1));
  }

  /** True if something new was learnt. */
  hear(topic: string, payload: Uint8Array): boolean {
    const found = TOPIC.exec(topic);
    if (found === null || found[1] === 'fleet') return false;
    const [, site = '', device = '', kind] = found;
    const id = `${site}/${device}`;
    // Deleted from the broker: the box no longer belongs to the fleet.
    if (payload.length === 0) {
      const box = this.boxes.get(id);
      if (box !== undefined && kind !== 'status') box.reported = null;
      return box !== undefined;
    }
    const box = this.boxes.get(id) ?? newBox(site, device);
    if (kind === 'status') {
      const status = decode(StatusPayload, payload);
      if (!status.ok) return this.ignore();
      // A late last will of an earlier connection must not hide that the box is back.
      if (status.value.birth < box.birth) return false;
      box.online = status.value.state === 'online';
      // With another birth the box was online in between, although this manager did not see it.
      if (box.online) box.offlineSince = null;
      else if (box.offlineSince === null || status.value.birth !== box.birth) box.offlineSince = this.now();
      box.birth = status.value.birth;
      box.seenAt = Math.max(box.seenAt, status.value.at);
    } else {
      const reported = decode(UpdateReportedPayload, payload);
      if (!reported.ok) return this.ignore();
      if (box.reported !== null && reported.value.at < box.reported.at) return false;
      box.reported = reported.value;
      box.seenAt = Math.max(box.seenAt, reported.value.at);
    }
    this.boxes.set(id, box);
    return true;
  }

  private ignore(): false {
    this.ignored++;
    return false;
  }
}

function newBox(site: string, device: string): Kept {
  return { site, device, online: null, offlineSince: null, birth: 0, seenAt: 0, reported: null };
}
