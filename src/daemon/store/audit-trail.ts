import type { SigningDomain } from '../../canonical';
import { messageOf, type UsherError } from '../../errors';
import type { RunningModel, VisionReady, VoiceReady } from '../../events';
import type { MqttClient } from '../../mqtt/client/client';
import { canonicalJson, type Json } from '../../canonical';
import type { EventEntry, EventFacts, Journal } from '../../store/journal/journal';
import type { JournalBody, JournalKind } from '../../store/journal/journal-body';
import type { Log } from '../../system/log';
import { sha256Hex } from '../../digest';

/** Signs the published head; `DeviceKey` implements it. */
export interface HeadSigner {
  readonly keyId: string;
  sign(domain: SigningDomain, statement: Readonly<Record<string, unknown>>): string;
}

export const HEAD_DOMAIN = 'usher-audit-head-v1';

/**
 * Facts about the box wait for a journal that can be written again, up to this number. Decisions do not wait; they are
 * withheld.
 */
const FACTS_MAX = 100;

interface Missed {
  readonly since: number;
  /** Number of withheld grants and of unrecorded denials. */
  readonly granted: number;
  readonly denied: number;
}

/**
 * The daemon's access to the journal: records events, records a gap when it could not, and publishes the head of the
 * chain.
 */
export class AuditTrail {
  private missed: Missed | null = null;
  private failure: unknown = null;
  private readonly facts: (() => void)[] = [];
  private published = '';

  constructor(
    private readonly journal: Journal,
    private readonly mqtt: Pick<MqttClient, 'publish' | 'wake'>,
    private readonly signer: HeadSigner | null,
    private readonly log: Log,
    private readonly now: () => number = Date.now,
  ) {}

  /**
   * Records a decision and queues it for the broker; both are durable when this returns. The caller starts the
   * delivery, after the unlock.
   * @throws UsherError `store-unavailable` if it is not recorded. Then no one may be admitted.
   */
  decision(outcome: 'granted' | 'denied', entryFor: (facts: EventFacts) => EventEntry): void {
    // After a failure only `recover` tries the disk, so that a person who swipes meanwhile gets an answer at once.
    if (this.missed !== null) {
      this.miss(outcome);
      throw this.failure;
    }
    try {
      this.journal.appendEvent('decision', entryFor);
    } catch (error) {
      this.failure = error;
      this.miss(outcome);
      throw error;
    }
  }

  /** Records an alarm and queues it for the broker, or does so as soon as possible. The caller starts the delivery. */
  alarm(entryFor: (facts: EventFacts) => EventEntry): void {
    this.attempt(() => this.journal.appendEvent('alarm', entryFor));
  }

  /** @param epoch the counter of the members' data, by which an older copy is detected */
  started(facts: {
    readonly bootId: string;
    readonly version: string;
    readonly config: object;
    readonly epoch?: number | null;
  }): void {
    const { bootId, version, config, epoch = null } = facts;
    this.fact('start', { bootId, version, ...(epoch === null ? {} : { epoch }) });
    const sha256 = sha256Hex(canonicalJson(config));
    this.change('configuration', { sha256 });
  }

  /** Records a camera's networks if they differ from those recorded last. */
  models({ camera, models }: VisionReady): void {
    this.change('model', { camera, models: models.map(recorded) }, 'camera');
  }

  /** Like `models`, for a microphone. */
  words({ microphone, models }: VoiceReady): void {
    this.change('model', { microphone, models: models.map(recorded) }, 'microphone');
  }

  /** Records now, or when the journal can be written again. */
  fact(kind: Exclude<JournalKind, 'decision'>, body: JournalBody): void {
    this.attempt(() => this.journal.append(kind, body));
  }

  stopped(bootId: string, epoch: number | null = null): void {
    this.fact('stop', { bootId, ...(epoch === null ? {} : { epoch }) });
    this.housekeep();
  }

  /**
   * After a failure: writes what the journal lacks, first of all that there is a gap. Does nothing otherwise.
   * @throws UsherError `store-unavailable` while the journal cannot be written
   */
  recover(): void {
    if (this.missed !== null) {
      const { since, granted, denied } = this.missed;
      this.journal.append('unrecorded', { since, until: this.now(), granted, denied, why: messageOf(this.failure) });
      this.missed = null;
      this.log.info('the journal can be written again', { withheld: granted, unrecorded: denied });
    }
    for (let fact = this.facts[0]; fact !== undefined; fact = this.facts[0]) {
      fact();
      this.facts.shift();
    }
  }

  /** Once a second: trims the outbox, retries a stuck delivery, publishes the head if it has changed. */
  housekeep(): void {
    try {
      this.journal.outbox.flush();
      this.mqtt.wake();
      this.publishHead();
    } catch {
      // The next decision reports the failure.
    }
  }

  private publishHead(): void {
    const { seq, hash } = this.journal.head();
    if (hash === this.published) return;
    const head = { v: 1 as const, journal: this.journal.id, seq, hash, at: this.now() };
    if (this.signer === null) this.mqtt.publish('auditHead', {}, head);
    else {
      const signed = { ...head, key: this.signer.keyId };
      this.mqtt.publish('auditHead', {}, { ...signed, sig: this.signer.sign(HEAD_DOMAIN, signed) });
    }
    this.published = hash;
  }

  private change(kind: Exclude<JournalKind, 'decision'>, body: JournalBody, subject?: string): void {
    this.attempt(() => this.journal.appendIfNew(kind, body, subject));
  }

  private attempt(fact: () => void): void {
    try {
      fact();
    } catch (error) {
      this.log.error(`not recorded yet: ${messageOf(error)}`, { remedy: (error as UsherError).remedy ?? '' });
      if (this.facts.length < FACTS_MAX) this.facts.push(fact);
    }
  }

  private miss(outcome: 'granted' | 'denied'): void {
    const before = this.missed ?? { since: this.now(), granted: 0, denied: 0 };
    this.missed = { ...before, [outcome]: before[outcome] + 1 };
  }
}

function recorded({ task, name, version, sha256 }: RunningModel): Json {
  return { task, model: name, version, sha256 };
}
