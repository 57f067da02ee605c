import { type NewTemplate } from '../store/member';
import { type Store } from '../store/store';
import { type MemberStanding } from './door-types';
import { type Embedding, Gallery } from './gallery';
import { type MemberRights } from './policy/types';

/** At most so many templates of a member come from accepted frames; the oldest goes first. */
const ADAPTED_TEMPLATES = 3;

/**
 * The members as the doors see them: who may be recognised, by which vectors. Suspended members are not in the gallery, so
 * that identification cannot find them; a swipe still tells them why.
 */
export class Roster {
  private readonly galleries = new Map<string, Gallery>();
  private current: Gallery;
  /** Not let in, but no strangers either; of the encoder that decides. */
  private suspended: Gallery;
  private loaded = 0;

  constructor(
    private readonly store: Store,
    space: string,
    dimensions: number,
  ) {
    this.current = new Gallery(space, dimensions);
    this.galleries.set(space, this.current);
    this.suspended = new Gallery(space, dimensions);
  }

  /** Grows with every change of who is known. */
  get loads(): number {
    return this.loaded;
  }

  /** The members in the space of the encoder that decides. */
  get gallery(): Gallery {
    return this.current;
  }

  /** The members in another space, of an encoder on trial; null where none was admitted. */
  galleryOf(space: string): Gallery | null {
    return this.galleries.get(space) ?? null;
  }

  /** Holds the members in a further space as well. @throws UsherError `store-unavailable` */
  admit(space: string, dimensions: number): void {
    if (this.galleries.has(space)) return;
    const gallery = new Gallery(space, dimensions);
    const active = new Set(this.store.members.activeIds());
    gallery.replaceAll(this.store.templates.inSpace(space).filter((template) => active.has(template.member)));
    this.galleries.set(space, gallery);
  }

  /**
   * From now on the encoder of this space decides. It was admitted before.
   * @throws UsherError `store-unavailable`
   */
  use(space: string): void {
    const gallery = this.galleries.get(space);
    if (gallery === undefined) throw new RangeError(`no members in the space ${space} were loaded`);
    if (gallery === this.current) return;
    this.current = gallery;
    this.suspended = new Gallery(space, gallery.dimensions);
    this.load();
  }

  /** Lets the members in a space go that no encoder uses any more. */
  dismiss(space: string): void {
    if (this.current.space !== space) this.galleries.delete(space);
  }

  /** Members with a template in the running encoder's space. */
  get size(): number {
    return this.gallery.members;
  }

  /** @throws UsherError `store-unavailable`; the gallery is then as it was before */
  load(): void {
    const active = new Set(this.store.members.activeIds());
    for (const gallery of this.galleries.values()) {
      const all = this.store.templates.inSpace(gallery.space);
      gallery.replaceAll(all.filter((template) => active.has(template.member)));
      if (gallery === this.current) this.suspended.replaceAll(all.filter((template) => !active.has(template.member)));
    }
    this.loaded++;
  }

  /** Whether this is a member, suspended ones too, or somebody whom one is so near to. @throws UsherError `data-invalid` */
  recognises(query: Embedding, distance: number): boolean {
    return [this.gallery, this.suspended].some((gallery) => {
      const [nearest] = gallery.search(query, 1);
      return nearest !== undefined && nearest.distance <= distance;
    });
  }

  /** Loads again if another process has changed the store. True when it did. */
  refresh(): boolean {
    if (!this.store.changedElsewhere()) return false;
    this.load();
    return true;
  }

  /** Active members that an encoder of this space cannot recognise: enrolled for another one, or not at all. */
  withoutTemplate(space = this.current.space): number {
    const enrolled =
      this.galleries.get(space) ?? new Set(this.store.templates.inSpace(space).map(({ member }) => member));
    return this.store.members.activeIds().filter((id) => !enrolled.has(id)).length;
  }

  /** What the store says of a swiped identifier, read at the time of the swipe. @throws UsherError `store-unavailable` */
  standingOf(identifier: string): MemberStanding {
    const found = this.store.members.findByIdentifier(identifier);
    if (found === null) return { kind: 'refused', member: null, reason: 'unknown-member' };
    const { member, duress } = found;
    const refused = (reason: 'member-suspended' | 'no-template'): MemberStanding => ({
      kind: 'refused',
      member: member.id,
      reason,
      duress,
    });
    if (member.status !== 'active') return refused('member-suspended');
    if (!this.gallery.has(member.id)) return refused('no-template');
    return { kind: 'active', member: member.id, duress };
  }

  /** What the rules of a door need to know, read when it is asked: a suspension counts from the moment it is written. */
  rightsOf(id: string): MemberRights | 'unreadable' | null {
    try {
      const member = this.store.members.find(id);
      return member?.status === 'active' ? member : null;
    } catch {
      return 'unreadable';
    }
  }

  /** Notes a visit, to the day, for retention. @throws UsherError `store-unavailable` */
  markSeen(member: string, at: number): void {
    this.store.members.markSeen(member, at);
  }

  /** Keeps an accepted face as one more template of the member. @throws UsherError `store-unavailable` */
  adapt(member: string, template: Omit<NewTemplate, 'source'>): void {
    this.store.templates.adapt(member, template, ADAPTED_TEMPLATES);
    // This member alone: reading all of 10,000 again takes half a second, in which no door is served.
    if (!this.gallery.removeMember(member)) return;
    for (const stored of this.store.templates.list(member))
      if (stored.space === this.gallery.space) this.gallery.add(stored);
  }
}
