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

/** A person this near to a member is not called unknown. Ten times looser than a door, so that no member is missed. */
const KNOWN_FMR = 1e-3;
/**
 * Accepted share of wrong links among all pairs of a full book. Small, because one such link merges two persons, and
 * dark, noisy pictures are linked more often than those behind the table. With 0.02, chains of wrong links cost a
 * twentieth of the purity.
 */
const FALSE_LINKS = 0.005;
/** After this time without the face the visit is over. */
const GONE_MS = 2000;
/** This many visits of the best quality become a member's templates. */
const TEMPLATES_MAX = 5;

export interface VisitorsParts {
  readonly config: VisitorsConfig;
  readonly roster: Pick<Roster, 'encoder' | 'recognises' | 'loads'>;
  readonly now: () => BookTime;
  readonly publish: (visitor: VisitorPayload) => unknown;
}

/** A person whom a camera follows at present. */
interface Walk {
  readonly track: number;
  readonly seenAt: number;
  readonly frames: number;
  readonly vector: Float32Array | null;
  readonly quality: number;
  /** Recognised as a member, or found to be a picture, in any frame: never an unknown visitor. */
  readonly never: boolean;
}

/**
 * The distance up to which two visits count as one person. It depends on the number of pairs of a full book, not on the
 * present number: a distance that changed during the day would split clusters of the morning.
 */
export function visitReach(table: readonly ThresholdRow[], capacity: number): number {
  return distanceFor(table, Math.min(1e-3, FALSE_LINKS / ((capacity * (capacity - 1)) / 2)));
}

/**
 * Unknown visitors, if configured. Observes the cameras, keeps one vector of each visit by a person who is not near any
 * member (including suspended ones), and publishes `visitor` when the visit is over. Writes nothing to the log or the
 * journal.
 */
export class Visitors {
  private readonly walks = new Map<string, Walk>();
  /** The encoder of the vectors in the book. */
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

  /** Ends visits of persons who were not seen for a while, and deletes old visits and those of new members. */
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

  /** @returns number of visits deleted */
  forget(visitor: string | null): number {
    return this.book.forget((_, name) => visitor === null || name === visitor);
  }

  /** The visitor's vectors that become a member's templates. @throws UsherError `usage` if there is no such visitor */
  templatesOf(visitor: string): NewTemplate[] {
    this.tick();
    const found = this.book.find(visitor);
    if (found === null)
      throw new UsherError('usage', `there is no visitor ${visitor.slice(0, 20)}`, {
        remedy:
          'Visitors are deleted after a while, at the latest at the end of the day. List them with the command visitors.',
      });
    const { space, thresholds } = this.encoder;
    // Visits are linked one by one, so a chain may lead from one person to another.
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

  /** Vectors of two spaces are never compared: with another encoder all visitors are deleted. */
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

  /** What cannot be compared (another space, a network that failed) is not stored either. */
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

/** Null if not configured. The commands exist only if it is. */
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
  /** Applies a change of the members to the doors at once. */
  readonly refresh: () => void;
}

/** All signed: a person who may list strangers or enrol one can change who enters. */
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
