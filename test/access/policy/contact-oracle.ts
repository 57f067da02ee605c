import { type World } from './world';

/** Which alarms a door's contact must raise, from the rules. Openings that a hold-open order has touched are left out. */
interface Contact {
  open: boolean | null;
  since: number;
  excusedUntil: number;
  excusedBefore: number;
  told: boolean;
  /** Until then it is not judged: a held door's last pulse may still be running. */
  unjudgedUntil: number;
  tainted: boolean;
}

const AFTER_HOLD_MS = 60_000;

export class ContactOracle {
  private readonly contacts = new Map<string, Contact>();

  constructor(private readonly world: World) {
    this.forget();
  }

  /** Somebody may open the door: a grant, or a request to leave. */
  excuse(door: string, t: number): void {
    const contact = this.of(door);
    const { unlockMs } = this.world.doors.find(({ id }) => id === door) ?? { unlockMs: 0 };
    contact.excusedBefore = contact.excusedUntil;
    contact.excusedUntil = Math.max(contact.excusedUntil, t + unlockMs + this.graceMs(door));
  }

  withheld(door: string): void {
    const contact = this.of(door);
    contact.excusedUntil = contact.excusedBefore;
  }

  held(door: string, end: number): void {
    const contact = this.of(door);
    contact.unjudgedUntil = end + AFTER_HOLD_MS;
    contact.tainted = true;
  }

  /** @returns whether an alarm for a forced door is due; null: not judged */
  said(door: string, open: boolean, t: number): boolean | null {
    const contact = this.of(door);
    if (contact.open === open) return false;
    Object.assign(contact, { open, since: t, told: false, tainted: t < contact.unjudgedUntil });
    if (contact.tainted) return open ? null : false;
    return open && t > contact.excusedUntil;
  }

  /** Doors whose alarm for standing open is due now, each told once. */
  standingOpen(t: number): readonly string[] {
    const due: string[] = [];
    for (const [door, contact] of this.contacts) {
      if (contact.open !== true || contact.told || contact.tainted || t - contact.since <= this.heldOpenMs(door))
        continue;
      contact.told = true;
      due.push(door);
    }
    return due;
  }

  judges(door: string): boolean {
    return !this.of(door).tainted;
  }

  rebooted(): void {
    for (const contact of this.contacts.values()) contact.excusedUntil = contact.excusedBefore = -Infinity;
  }

  forget(): void {
    for (const { id } of this.world.doors)
      this.contacts.set(id, {
        open: null,
        since: 0,
        excusedUntil: -Infinity,
        excusedBefore: -Infinity,
        told: false,
        unjudgedUntil: -Infinity,
        tainted: false,
      });
  }

  private of(door: string): Contact {
    const contact = this.contacts.get(door);
    if (contact === undefined) throw new RangeError(`no door ${door}`);
    return contact;
  }

  private heldOpenMs(door: string): number {
    return (this.world.policy.doors[door]?.contact.heldOpenSeconds ?? 30) * 1000;
  }

  private graceMs(door: string): number {
    return (this.world.policy.doors[door]?.contact.graceSeconds ?? 5) * 1000;
  }
}
