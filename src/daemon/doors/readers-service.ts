import type { Readable } from 'node:stream';
import type { CounterStore, JudgedClock } from '../../access/swipes/swipe-judge';
import type { LoadedConfig } from '../../config/load/load';
import type { MqttClient } from '../../mqtt/client/client';
import type { RejectReason } from '../../mqtt/inbound/inbound';
import { type Judgement, takeInputs } from '../../mqtt/requests/swipes';
import { Attached } from '../../readers/attached';
import { createContact, createReader } from '../../readers/create';
import type { LineFault, LocalSwipe } from '../../readers/source';
import type { Log } from '../../system/log';
import { type HealthBoard, STARTING } from '../health/health';
import { InputJudge } from './input-judge';

/** A door was opened or closed; `at` is monotonic ms, as in every event of a door. */
export interface DoorContactEvent {
  readonly door: string;
  readonly open: boolean;
  readonly at: number;
}

export interface ReaderEvents {
  swipe(reader: string, identifier: string): void;
  contact(event: DoorContactEvent): void;
}

export interface ReadersParts {
  readonly loaded: LoadedConfig;
  readonly counters: CounterStore;
  readonly clock: JudgedClock;
  readonly monotonicMs: () => number;
  readonly mqtt: Pick<MqttClient, 'subscribe' | 'reject'>;
  readonly health: Pick<HealthBoard, 'set'>;
  /** Called only if a reader is configured on standard input. */
  readonly stdin: () => Readable;
  readonly log: Log;
}

const CLOCK = 'Set the clock of the sender. It must send milliseconds since 1970 (UTC).';
const SENDER_FAULTS: Readonly<Partial<Record<RejectReason, string>>> = {
  stale: CLOCK,
  'from-future': CLOCK,
  'counter-leap': 'Check the reader. If its counter is correct, run `usher reader counter ID --set NUMBER` on the box.',
};

interface Presented {
  readonly identifier: string;
  readonly at: number;
}

/**
 * All ways in which a card or a door contact reaches this box: MQTT and attached devices. What it emits has been
 * checked; refusals are logged (one line a second and source) and counted. A card number is never logged.
 */
export class ReadersService {
  private readonly attached: { start(): void; stop(): void }[] = [];
  private readonly counts = new Map<RejectReason, number>();
  private readonly lastComplaint = new Map<string, number>();
  private readonly lastPresented = new Map<string, Presented>();
  private readonly faulty = new Set<string>();
  private readonly levels = new Map<string, boolean>();

  constructor(
    private readonly parts: ReadersParts,
    private readonly events: ReaderEvents,
  ) {}

  /** Refusals at attached readers, by reason. Those on MQTT are in the client's statistics. */
  get refusals(): Readonly<Partial<Record<RejectReason, number>>> {
    return Object.fromEntries(this.counts);
  }

  /** Whether a door stands open; undefined until its contact has reported. */
  openOf(door: string): boolean | undefined {
    return this.levels.get(door);
  }

  /** Call it before `mqtt.start()`. @throws UsherError for an unusable key file */
  start(): void {
    const { loaded, counters, clock, mqtt, log } = this.parts;
    const judge = new InputJudge(loaded, counters, clock);
    if (judge.open.length > 0)
      log.warn('any client that may publish on the broker can swipe any card here: these readers have no key', {
        readers: judge.open.join(', '),
        remedy: 'usher reader key new FILE, then name it as keyFile under readers in the configuration',
      });
    const { doors, readers } = loaded.config;
    takeInputs(
      mqtt,
      {
        swipe: (reader, swipe) => this.noted(`reader-${reader}`, judge.swipe(reader, swipe)),
        contact: (door, contact) => this.noted(`contact-${door}`, judge.contact(door, contact)),
      },
      {
        swipe: (reader, { id }) => this.events.swipe(reader, id),
        contact: (door, { open }) => this.contact(door, open),
      },
      {
        readers: [...readers.map(({ id }) => id), ...doors.flatMap((door) => door.readers)],
        doors: doors.map(({ id }) => id),
      },
    );
    this.attachReaders(judge);
    this.attachContacts();
    for (const source of this.attached) source.start();
  }

  stop(): void {
    for (const source of this.attached) source.stop();
  }

  private attachReaders(judge: InputJudge): void {
    for (const { id, source, repeatMs } of this.parts.loaded.config.readers) {
      const device = createReader(source, this.parts.stdin);
      if (device === null) continue;
      this.attached.push(
        new Attached(device, {
          onRead: (said) => this.presented(judge, id, repeatMs, said),
          condition: this.conditionOf(`reader-${id}`),
        }),
      );
    }
  }

  private attachContacts(): void {
    for (const contact of this.parts.loaded.config.contacts) {
      const device = createContact(contact);
      if (device === null) continue;
      this.attached.push(
        new Attached(device, {
          onRead: ({ open }) => this.contact(contact.door, open),
          condition: this.conditionOf(`contact-${contact.door}`),
        }),
      );
    }
  }

  private presented(judge: InputJudge, reader: string, repeatMs: number, said: LocalSwipe | LineFault): void {
    if ('fault' in said) return this.refused(reader, 'malformed-line', said.fault);
    const at = this.parts.monotonicMs();
    const last = this.lastPresented.get(reader);
    // Many readers repeat a card as long as it lies on them.
    const again = said.mac === undefined && last?.identifier === said.identifier && at - last.at < repeatMs;
    const refusal = this.noted(`reader-${reader}`, judge.local(reader, said));
    if (refusal !== null) return this.refused(reader, refusal.reason, refusal.detail);
    this.lastPresented.set(reader, { identifier: said.identifier, at });
    this.progress(`reader-${reader}`);
    if (!again) this.events.swipe(reader, said.identifier);
  }

  private contact(door: string, open: boolean): void {
    this.progress(`contact-${door}`);
    if (this.levels.get(door) === open) return;
    this.levels.set(door, open);
    this.events.contact({ door, open, at: this.parts.monotonicMs() });
  }

  /**
   * A sender with a wrong clock or counter is refused every time, so this is reported as a condition, not as an event.
   */
  private noted(component: string, judgement: Judgement): Judgement {
    const remedy = judgement === null ? undefined : SENDER_FAULTS[judgement.reason];
    if (judgement !== null && remedy !== undefined)
      this.parts.health.set(component, {
        state: 'degraded',
        lastProgressAt: null,
        remedy,
        // Without the numbers, which differ each time.
        detail: `messages are refused (${judgement.reason})${/: (.+)$/.exec(judgement.detail)?.[0] ?? ''}`,
      });
    else if (judgement === null && this.faulty.delete(component)) this.progress(component);
    if (remedy !== undefined) this.faulty.add(component);
    return judgement;
  }

  private progress(component: string): void {
    this.parts.health.set(component, { state: 'ok', lastProgressAt: Date.now(), detail: null, remedy: null });
  }

  private conditionOf(component: string) {
    const { health, log } = this.parts;
    health.set(component, STARTING);
    return (trouble: { readonly detail: string; readonly remedy: string | null } | null): void => {
      if (trouble === null) {
        log.info(`${component} is listening`);
        health.set(component, { state: 'ok', lastProgressAt: Date.now(), detail: null, remedy: null });
        return;
      }
      health.set(component, { state: 'failed', lastProgressAt: null, ...trouble });
    };
  }

  private refused(reader: string, reason: RejectReason, detail: string): void {
    this.counts.set(reason, (this.counts.get(reason) ?? 0) + 1);
    const now = this.parts.monotonicMs();
    // Rate-limited: a faulty reader must not fill the disk through the log.
    if (now - (this.lastComplaint.get(reader) ?? -Infinity) < 1000) return;
    this.lastComplaint.set(reader, now);
    this.parts.log.warn('swipe refused', { reader, reason, detail });
  }
}
