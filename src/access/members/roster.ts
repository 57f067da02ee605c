import { messageOf } from '../../errors';
import { DAY_MS } from '../../store/clock/date-proof';
import { isDamage } from '../../store/keys/keyring';
import { type Member, type NewTemplate, type StoredTemplate } from '../../store/members/member';
import { type Store } from '../../store/store';
import { type AdaptionRecord } from '../../store/members/templates';
import { ADAPTION_LIMITS, type AdaptionDistances, type AdaptionFacts } from './adaption';
import { type MemberStanding } from '../door-types';
import { type Embedding, Gallery } from './gallery';
import { type MemberRights } from '../policy/types';
import { nearestOf, sortTemplates } from './sound-templates';
import { type EncoderFacts } from './thresholds';

/** Why a member, or one template of a member, cannot be used. */
export interface MemberFault {
  readonly member: string;
  readonly fault: string;
}

/** The members in one space. */
interface SpaceMembers {
  readonly encoder: EncoderFacts;
  readonly gallery: Gallery;
}

/**
 * The members as the doors see them: who may be recognised, by which vectors. Suspended members are not in the gallery,
 * so that identification cannot find them. A swipe still reports that they are suspended.
 */
export class Roster {
  private readonly spaces = new Map<string, SpaceMembers>();
  private current: SpaceMembers;
  /** Suspended members in the deciding encoder's space: not admitted, but not strangers. */
  private suspended: Gallery;
  private loaded = 0;
  private brokenTemplates: readonly MemberFault[] = [];
  private readonly damagedMembers = new Map<string, string>();
  private orphans: readonly MemberFault[] = [];

  constructor(
    private readonly store: Store,
    encoder: EncoderFacts,
  ) {
    this.current = emptySpace(encoder);
    this.spaces.set(encoder.space, this.current);
    this.suspended = new Gallery(encoder.space, encoder.dimensions);
  }

  /** Increases with every change of the known members. */
  get loads(): number {
    return this.loaded;
  }

  /** The deciding encoder. */
  get encoder(): EncoderFacts {
    return this.current.encoder;
  }

  /** The members in the deciding encoder's space. */
  get gallery(): Gallery {
    return this.current.gallery;
  }

  /** The members in the space of an encoder on trial; null if none was admitted. */
  galleryOf(space: string): Gallery | null {
    return this.spaces.get(space)?.gallery ?? null;
  }

  /** Also loads the members in a further space. @throws UsherError `store-unavailable` */
  admit(encoder: EncoderFacts): void {
    if (this.spaces.has(encoder.space)) return;
    const space = emptySpace(encoder);
    const active = new Set(this.store.members.activeIds());
    space.gallery.replaceAll(this.usable(encoder).templates.filter(({ member }) => active.has(member)));
    this.spaces.set(encoder.space, space);
  }

  /**
   * From now on the encoder of this space decides. It must have been admitted.
   * @throws UsherError `store-unavailable`
   */
  use(space: string): void {
    const next = this.spaces.get(space);
    if (next === undefined) throw new RangeError(`no members in the space ${space} were loaded`);
    if (next === this.current) return;
    this.current = next;
    this.suspended = new Gallery(space, next.encoder.dimensions);
    this.load();
  }

  /** Drops the members of a space that no encoder uses any more. */
  dismiss(space: string): void {
    if (this.gallery.space !== space) this.spaces.delete(space);
  }

  /** Members with a template in the running encoder's space. */
  get size(): number {
    return this.gallery.members;
  }

  /**
   * An unusable template affects only its member and is named in `faults`.
   * @throws UsherError `store-unavailable`; the gallery then does not change
   */
  load(): void {
    const active = new Set(this.store.members.activeIds());
    for (const space of this.spaces.values()) {
      const { templates, faults } = this.usable(space.encoder);
      space.gallery.replaceAll(templates.filter(({ member }) => active.has(member)));
      if (space !== this.current) continue;
      this.suspended.replaceAll(templates.filter(({ member }) => !active.has(member)));
      this.brokenTemplates = faults;
    }
    // The member was repaired or deleted.
    for (const id of [...this.damagedMembers.keys()]) this.look(id);
    if (this.orphans.length > 0) this.orphans = this.orphanRows();
    this.loaded++;
  }

  /** Reads all data of every member once; `load` reads again only the damaged ones. */
  inspect(): void {
    for (const { id, fault } of this.store.members.survey().damaged) this.damagedMembers.set(id, fault);
    this.orphans = this.orphanRows();
  }

  /** What cannot be used, by member: templates of the running encoder's space, and whole members. */
  get faults(): readonly MemberFault[] {
    const whole = [...this.damagedMembers].map(([member, fault]) => ({ member, fault }));
    return [...whole, ...this.brokenTemplates, ...this.orphans];
  }

  /**
   * Whether this face is a member's, suspended ones included, within this distance. @throws UsherError `data-invalid`
   */
  recognises(query: Embedding, distance: number): boolean {
    return [this.gallery, this.suspended].some((gallery) => {
      const [nearest] = gallery.search(query, 1);
      return nearest !== undefined && nearest.distance <= distance;
    });
  }

  /**
   * Loads again if another process has changed the store. @returns whether it did
   * @throws UsherError `store-unavailable`, also while the journal contradicts the members' data
   */
  refresh(): boolean {
    this.store.requireAgreed();
    if (!this.store.changedElsewhere()) return false;
    this.load();
    return true;
  }

  /** Active members that an encoder of this space cannot recognise: enrolled for another one, or without templates. */
  withoutTemplate(space = this.gallery.space): number {
    const enrolled =
      this.galleryOf(space) ?? new Set(this.store.templates.readSpace(space).templates.map(({ member }) => member));
    return this.store.members.activeIds().filter((id) => !enrolled.has(id)).length;
  }

  /**
   * What the store knows about a swiped identifier, read at the time of the swipe. @throws UsherError
   * `store-unavailable`
   */
  standingOf(identifier: string): MemberStanding {
    const found = this.store.members.whose(identifier);
    if (found === null) return { kind: 'refused', member: null, reason: 'unknown-member' };
    const { id, duress } = found;
    const refused = (reason: 'member-suspended' | 'no-template' | 'member-damaged'): MemberStanding => ({
      kind: 'refused',
      member: id,
      reason,
      duress,
    });
    const member = this.look(id);
    if (member === 'damaged') return refused('member-damaged');
    if (member?.status !== 'active') return refused('member-suspended');
    if (!this.gallery.has(id)) return refused('no-template');
    return { kind: 'active', member: id, duress };
  }

  /** The facts for the rules of a door, read at each use, so that a suspension counts from the moment it is written. */
  rightsOf(id: string): MemberRights | 'unreadable' | 'damaged' | null {
    try {
      const member = this.look(id);
      return member === 'damaged' || member?.status === 'active' ? member : null;
    } catch {
      return 'unreadable';
    }
  }

  /** A member who cannot be read affects no other member. @throws UsherError `store-unavailable` */
  private look(id: string): Member | 'damaged' | null {
    try {
      const member = this.store.members.find(id);
      this.damagedMembers.delete(id);
      return member;
    } catch (error) {
      if (!isDamage(error)) throw error;
      this.damagedMembers.set(id, messageOf(error));
      return 'damaged';
    }
  }

  /** Records the day of a visit, for retention. @throws UsherError `store-unavailable` */
  markSeen(member: string, at: number): void {
    this.store.members.markSeen(member, at);
  }

  /** Facts for and against storing a face as a template of the member, read from the store. */
  adaptionFacts(
    member: string,
    face: { readonly embedding: Float32Array; readonly fused: Float32Array },
    now: number,
  ): AdaptionFacts {
    const { space } = this.gallery;
    const own = this.store.templates.readMember(member).templates.filter((template) => template.space === space);
    const enrolled = own.filter(({ source }) => source !== 'adapted');
    const distances = (vector: Float32Array): AdaptionDistances => ({
      enrolled: nearestOf(vector, enrolled),
      others: this.nearestOther(member, { space, vector }),
    });
    return {
      frame: distances(face.embedding),
      fused: distances(face.fused),
      // A time in the future counts too: after a clock that was ahead, no further template may be taken.
      today: own.filter(({ source, createdAt }) => source === 'adapted' && createdAt > now - DAY_MS).length,
    };
  }

  /**
   * Stores an accepted face as another template of the member, after `judgeAdaption` allowed it.
   * @param record for the journal: the door, and the distance
   * @throws UsherError `store-unavailable`
   */
  adapt(member: string, template: Omit<NewTemplate, 'source'>, record: AdaptionRecord): void {
    this.store.templates.adapt(member, template, ADAPTION_LIMITS.kept, record);
    // Only this member: reading all 10,000 again takes half a second, in which no door is served.
    if (!this.gallery.removeMember(member)) return;
    const { encoder } = this.current;
    const own = this.store.templates.readMember(member).templates.filter(({ space }) => space === encoder.space);
    for (const stored of sortTemplates(own, encoder).sound) this.gallery.add(stored);
  }

  private nearestOther(member: string, query: Embedding): number {
    const near = [...this.gallery.search(query, 2), ...this.suspended.search(query, 2)];
    return Math.min(...near.filter((neighbour) => neighbour.member !== member).map(({ distance }) => distance));
  }

  private orphanRows(): MemberFault[] {
    return this.store.check
      .orphans()
      .map(({ table, member, rows }) => ({ member, fault: `${rows} rows of ${table} belong to no member` }));
  }

  private usable(encoder: EncoderFacts): { templates: readonly StoredTemplate[]; faults: MemberFault[] } {
    const { templates, broken } = this.store.templates.readSpace(encoder.space);
    const { sound, faulty } = sortTemplates(templates, encoder);
    const faults = [...broken, ...faulty].map(({ member, id, fault }) => ({
      member,
      fault: `template ${id}: ${fault}`,
    }));
    return { templates: sound, faults };
  }
}

function emptySpace(encoder: EncoderFacts): SpaceMembers {
  return { encoder, gallery: new Gallery(encoder.space, encoder.dimensions) };
}
