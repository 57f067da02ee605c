import { dirname, resolve } from 'node:path';
import { readReaderKey } from '../../access/swipes/reader-key';
import { type CounterStore, type JudgedClock, type SecuredSource, SwipeJudge } from '../../access/swipes/swipe-judge';
import { strangeTime } from '../../strange-time';
import { isSecured } from '../../config/schema/readers';
import type { LoadedConfig } from '../../config/load/load';
import type { ContactPayload, SwipePayload } from '../../mqtt/topics/payloads';
import { MQTT_LIMITS } from '../../mqtt/topics/limits';
import { type IntakeJudge, type Judgement, SwipeGate } from '../../mqtt/requests/swipes';
import type { LocalSwipe } from '../../readers/source';

interface Source {
  readonly local: boolean;
  /** Null for a source without a key. */
  readonly judge: SwipeJudge | null;
  readonly gate: SwipeGate;
  readonly freshMs: number;
}

/**
 * Checks what arrives at the configured readers and contacts, each by its own rules.
 * @throws UsherError from the constructor: a key file that cannot be read, has no key, or is readable by others
 */
export class InputJudge implements IntakeJudge {
  private readonly readers = new Map<string, Source>();
  private readonly contacts = new Map<string, Source>();

  constructor(
    { config, file }: LoadedConfig,
    counters: CounterStore,
    private readonly clock: JudgedClock,
  ) {
    const { site, id: device } = config.device;
    const source = (
      { source: { type }, freshMs, ...described }: (typeof config.readers | typeof config.contacts)[number],
      scope: SecuredSource['scope'],
    ): Source => ({
      local: type !== 'mqtt',
      judge:
        isSecured(described) && described.keyFile !== undefined
          ? new SwipeJudge(
              { scope, key: readReaderKey(resolve(dirname(file), described.keyFile)), freshMs },
              counters,
              clock,
            )
          : null,
      gate: new SwipeGate(freshMs),
      freshMs,
    });
    for (const reader of config.readers)
      this.readers.set(reader.id, source(reader, { site, device, reader: reader.id }));
    for (const contact of config.contacts)
      this.contacts.set(contact.door, source(contact, { site, device, door: contact.door }));
    for (const reader of config.doors.flatMap((door) => door.readers))
      if (!this.readers.has(reader))
        this.readers.set(reader, {
          local: false,
          judge: null,
          gate: new SwipeGate(),
          freshMs: MQTT_LIMITS.swipeFreshMs,
        });
  }

  /** Readers and contacts without a key: any client on the broker may write their messages. */
  get open(): readonly string[] {
    return [...this.readers, ...this.contacts]
      .filter(([, { local, judge }]) => !local && judge === null)
      .map(([id]) => id);
  }

  swipe(reader: string, swipe: SwipePayload): Judgement {
    const source = this.readers.get(reader);
    if (source === undefined) return { reason: 'unknown-reader', detail: `no door has the reader "${reader}"` };
    return this.judge(source, reader, swipe);
  }

  contact(door: string, contact: ContactPayload): Judgement {
    const source = this.contacts.get(door);
    if (source === undefined) return { reason: 'unknown-contact', detail: `the door "${door}" has no contact` };
    return this.judge(source, door, contact);
  }

  /** Checks a swipe of an attached reader. It has no time to check, since it arrives at once. */
  local(reader: string, { identifier, counter, mac }: LocalSwipe): Judgement {
    const judge = this.readers.get(reader)?.judge ?? null;
    if (judge === null) return null;
    return refusalOf(judge.judge({ v: 1, id: identifier, counter, mac }));
  }

  private judge(source: Source, id: string, message: SwipePayload | ContactPayload): Judgement {
    if (source.local) return { reason: 'wrong-source', detail: `"${id}" is attached to this box` };
    if (source.judge !== null) return refusalOf(source.judge.judge(message));
    const doubt = this.clock.doubt();
    if (doubt !== null) return { reason: 'clock-doubtful', detail: doubt };
    const verdict = source.gate.judge(id, message, this.clock.now());
    if (verdict === 'fresh') return null;
    const now = this.clock.now();
    const guess =
      verdict === 'duplicate' || verdict === 'flooded' ? null : strangeTime(message.at, now, source.freshMs);
    return { reason: verdict, detail: `${now - message.at} ms old${guess === null ? '' : `: ${guess}`}` };
  }
}

function refusalOf(verdict: ReturnType<SwipeJudge['judge']>): Judgement {
  return verdict.ok ? null : { reason: verdict.reason, detail: verdict.detail };
}
