import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { requireConsent } from '../../access/consent';
import { ENROLMENT_LIMITS, ofOnePerson } from '../../access/members/enrolment';
import type { Roster } from '../../access/members/roster';
import type { EncoderFacts } from '../../access/members/thresholds';
import { distanceFor, type ThresholdRow } from '../../access/members/thresholds';
import { type BookTime, type Visit, VisitorBook } from '../../visitors/visitor-book';
import type { Config } from '../../config/schema/schema';
import type { SecurityConfig } from '../../config/schema/security';
import type { VisitorsConfig } from '../../config/schema/visitors';
import { UsherError } from '../../errors';
import type { Observation } from '../../events';
import type { MqttClient } from '../../mqtt/client/client';
import type { CommandRegistry } from '../../mqtt/requests/commands';
import type { VisitorPayload } from '../../mqtt/topics/payloads';
import { MEMBER_ID, checkConsent, type NewTemplate } from '../../store/members/member';
import type { Store } from '../../store/store';
import { monotonicMs } from '../../system/clock';

/** Somebody as near to a member as this is not called unknown: ten times looser than a door lets in, so that no member slips through. */
const KNOWN_FMR = 1e-3;
/**
 * Wrong links that are put up with among all pairs that a full book makes. Few: by density one such link makes two persons one, and dark,
 * noisy pictures are linked more often than those that the table was made of. With 0.02 chains of them cost a twentieth of the purity.
 */
const FALSE_LINKS = 0.005;
/** The face was away for so long: the visit is over. */
const GONE_MS = 2000;
/** Visits of the best quality that become a member's templates. */
const TEMPLATES_MAX = 5;

export interface VisitorsParts {
  readonly config: VisitorsConfig;
  readonly roster: Pick<Roster, 'encoder' | 'recognises' | 'loads'>;
  readonly now: () => BookTime;
  readonly publish: (visitor: VisitorPayload) => unknown;
}

/** Whoever a camera follows now. */
interface Walk {
  readonly track: number;
  readonly seenAt: number;
  readonly frames: number;
  readonly vector: Float32Array | null;
  readonly quality: number;
  /** Once recognised as a member, or taken for a picture held up, in any frame: never an unknown visitor. */
  readonly never: boolean;
}

/**
 * The distance up to which two visits are one person's. By the number of pairs that a full book makes, not by those that there are: a
 * distance that changed during the day would take clusters apart that were one in the morning.
 */
export function visitReach(table: readonly ThresholdRow[], capacity: number): number {
  return distanceFor(table, Math.min(1e-3, FALSE_LINKS / ((capacity * (capacity - 1)) / 2)));
}

/**
 * Unknown visitors, where the configuration asks for them. Watches what the cameras see, keeps one vector of each walk that nobody among the
 * members (suspended ones too) is near to, and says `visitor` when the walk is over. Says nothing in the log or the journal.
 */
export class Visitors {
  private readonly walks = new Map<string, Walk>();
  /** Whose vectors the book holds. */
  private encoder: EncoderFacts;
  private book: VisitorBook;
  private loads: number;

  constructor(private readonly parts: VisitorsParts) {
    const { roster } = parts;
    this.encoder = roster.encoder;
    this.loads = roster.loads;
    this.book = this.newBook();
  }

  observe({ camera, subject, space, mono }: Observation): void {
    this.followEncoder();
    const walk = this.walks.get(camera);
    if (subject === null) return;
    if (walk !== undefined && walk.track !== subject.track) this.end(camera, walk);
    const before = walk?.track === subject.track ? walk : null;
    const { fused } = subject;
    const never =
      before?.never === true ||
      subject.liveness.state === 'fake' ||
      (fused !== null && this.isMember({ space, vector: fused }));
    this.walks.set(camera, {
      track: subject.track,
      seenAt: mono,
      frames: Math.max(before?.frames ?? 0, subject.fusedFrames),
      vector: never ? null : (fused ?? before?.vector ?? null),
      quality: Math.max(before?.quality ?? 0, subject.quality.score),
      never,
    });
  }

  /** Ends walks of whom was not seen for a while, forgets what is due, and whoever has become a member. */
  tick(): void {
    this.followEncoder();
    const now = this.parts.now();
    for (const [camera, walk] of this.walks) if (now.mono - walk.seenAt > GONE_MS) this.end(camera, walk);
    this.book.sweep(now);
    if (this.loads === this.parts.roster.loads) return;
    this.loads = this.parts.roster.loads;
    this.book.forget(({ vector }) => this.isMember({ space: this.encoder.space, vector }));
  }

  list(): { visitor: string; visits: number; firstAt: number; lastAt: number; cameras: string[] }[] {
    this.tick();
    return this.book.visitors().map(({ visitor, visits }) => ({
      visitor,
      visits: visits.length,
      firstAt: visits[0]?.at.wall ?? 0,
      lastAt: visits.at(-1)?.at.wall ?? 0,
      cameras: [...new Set(visits.map(({ camera }) => camera))],
    }));
  }

  /** @returns how many visits were forgotten */
  forget(visitor: string | null): number {
    return this.book.forget((_, name) => visitor === null || name === visitor);
  }

  /** What of a visitor becomes a member's templates. @throws UsherError `usage` when nobody of that name is remembered */
  templatesOf(visitor: string): NewTemplate[] {
    this.tick();
    const found = this.book.find(visitor);
    if (found === null)
      throw new UsherError('usage', `no visitor ${visitor.slice(0, 20)} is remembered`, {
        remedy: 'Visitors are forgotten after a while, at the latest with the day. See the command visitors.',
      });
    const { space, thresholds } = this.encoder;
    // Visits are linked one by one: a chain of them may lead from one person to another.
    const visits = ofOnePerson(found.visits, distanceFor(thresholds, ENROLMENT_LIMITS.consistencyFmr));
    if (visits.length === 0)
      throw new UsherError('face-unsuitable', `the visits of ${visitor} are probably of more than one person`, {
        remedy: 'Enrol the person from pictures or at the camera: usher enroll.',
      });
    return [...visits]
      .sort((a, b) => b.quality - a.quality)
      .slice(0, TEMPLATES_MAX)
      .map(({ vector, quality }) => ({ space, vector, quality, source: 'camera' }));
  }

  /** Vectors of two spaces are never compared: with another encoder everybody is forgotten. */
  private followEncoder(): void {
    const { encoder } = this.parts.roster;
    if (encoder.space === this.encoder.space) return;
    this.encoder = encoder;
    this.walks.clear();
    this.book = this.newBook();
  }

  private newBook(): VisitorBook {
    const { config, now } = this.parts;
    return new VisitorBook(
      {
        method: config.method,
        reach: visitReach(this.encoder.thresholds, config.capacity),
        ttlMs: config.ttlHours * 3_600_000,
        capacity: config.capacity,
        newKey: () => Uint8Array.from(randomBytes(32)),
        random: Math.random,
      },
      now(),
    );
  }

  /** What cannot be compared (another space, a network that failed) is not kept either. */
  private isMember(query: { readonly space: string; readonly vector: Float32Array }): boolean {
    try {
      return this.parts.roster.recognises(query, distanceFor(this.encoder.thresholds, KNOWN_FMR));
    } catch {
      return true;
    }
  }

  private end(camera: string, { frames, vector, quality, never }: Walk): void {
    this.walks.delete(camera);
    if (never || vector === null || frames < this.parts.config.minFrames) return;
    const at = this.parts.now();
    const visit: Visit = { vector: Float32Array.from(vector), quality, camera, at };
    void this.book.add(visit).then((found) => {
      if (found === null) return;
      const { visitor, visits } = found;
      this.parts.publish({ v: 1, camera, visitor, visits: visits.length, at: Math.round(at.wall) });
    });
  }
}

/** Null where the configuration does not ask for it. The commands exist only where it does. */
export function watchVisitors(
  { visitors: config, security }: Pick<Config, 'visitors' | 'security'>,
  parts: {
    readonly roster: Roster;
    readonly mqtt: Pick<MqttClient, 'publish'>;
    readonly commands: CommandRegistry;
    readonly store: Pick<Store, 'members'>;
  },
): Visitors | null {
  if (!config.enabled) return null;
  const { roster, mqtt, commands, store } = parts;
  const visitors = new Visitors({
    config,
    roster,
    now: () => ({ mono: monotonicMs(), wall: Date.now() }),
    publish: (visitor) => mqtt.publish('visitor', { camera: visitor.camera }, visitor),
  });
  registerVisitorCommands(commands, { visitors, store, consent: security.consent, refresh: () => roster.load() });
  return visitors;
}

const Visitor = z.string().regex(/^[0-9a-f]{12}$/, '12 hexadecimal digits');

export interface VisitorCommandParts {
  readonly visitors: Visitors;
  readonly store: Pick<Store, 'members'>;
  readonly consent: SecurityConfig['consent'];
  /** Takes a change of the members over into the doors, now. */
  readonly refresh: () => void;
}

/** All signed: who may ask after strangers, or make a member of one, is who may change who enters. */
export function registerVisitorCommands(
  registry: CommandRegistry,
  { visitors, store, consent: rule, refresh }: VisitorCommandParts,
): void {
  const signed = { signed: true };
  registry.onCommand('visitors', z.strictObject({}), () => ({ visitors: visitors.list() }), signed);
  registry.onCommand(
    'visitor-forget',
    z.strictObject({ visitor: Visitor.nullable() }),
    ({ visitor }) => ({ forgotten: visitors.forget(visitor) }),
    signed,
  );
  registry.onCommand(
    'visitor-enrol',
    z.strictObject({
      visitor: Visitor,
      member: z.string().regex(MEMBER_ID),
      name: z.string().min(1).max(200),
      consentText: z.string().min(1).max(64),
      consentBy: z.string().min(1).max(200),
    }),
    ({ visitor, member, name, consentText, consentBy }) => {
      const consent = checkConsent({ textVersion: consentText, by: consentBy, at: Date.now() });
      requireConsent(consent, null, rule);
      const templates = visitors.templatesOf(visitor);
      const { id } = store.members.add({ id: member, name, consent }, templates);
      visitors.forget(visitor);
      refresh();
      return { member: id, templates: templates.length };
    },
    signed,
  );
}
