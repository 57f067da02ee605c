import type { Store } from '../../store/store';
import { sortTemplates } from './sound-templates';
import type { EncoderFacts } from './thresholds';

/** One thing that differs from what usher wrote, and what its repair means. */
export interface MemberProblem {
  /** The id, never the name. */
  readonly member: string;
  /** `orphan`: a row of a member who does not exist. */
  readonly what: 'member' | 'template' | 'orphan';
  readonly template: number | null;
  readonly fault: string;
}

export interface Repaired {
  /** Deleted templates, by member. */
  readonly templates: ReadonlyMap<string, number>;
  /** Members who were deleted, with a receipt. */
  readonly members: readonly string[];
  readonly orphans: number;
  /** Members without a template in the checked space, who must be enrolled again. */
  readonly enrolAgain: readonly string[];
}

/**
 * Reads all data of every member.
 * @param encoder the one in use; null if unknown: then only faults in every space are found
 * @throws UsherError `store-unavailable`, `key-unusable`
 */
export function checkMembers(store: Store, encoder: EncoderFacts | null): MemberProblem[] {
  const damaged = store.members.survey().damaged;
  const lost = new Set(damaged.map(({ id }) => id));
  const orphans = store.check.orphans();
  const known = new Set(store.members.ids());
  const { templates, broken } = store.templates.readAll();
  const ofEncoder = templates.filter(({ space }) => space === encoder?.space);
  const strays = encoder === null ? [] : sortTemplates(ofEncoder, encoder).faulty;
  return [
    ...damaged.map(({ id, fault }) => ({ member: id, what: 'member' as const, template: null, fault })),
    ...[...broken, ...strays]
      // These are deleted together with the member.
      .filter(({ member }) => known.has(member) && !lost.has(member))
      .map(({ member, id, fault }) => ({ member, what: 'template' as const, template: id, fault })),
    ...orphans.map(({ member, table, rows }) => ({
      member,
      what: 'orphan' as const,
      template: null,
      fault: `${rows} rows of ${table} belong to no member`,
    })),
  ];
}

/** Deletes what was found and records it. @param by who decided it */
export function repairMembers(
  store: Store,
  problems: readonly MemberProblem[],
  encoder: EncoderFacts | null,
  by: string,
): Repaired {
  return store.atomically(() => {
    const templates = new Map<string, number>();
    const members: string[] = [];
    for (const { member, what, template } of problems) {
      if (what === 'template' && template !== null && store.templates.remove(template))
        templates.set(member, (templates.get(member) ?? 0) + 1);
      if (what !== 'member') continue;
      store.members.remove(member, { by, reason: 'removed' });
      members.push(member);
    }
    for (const [member, removed] of templates) store.ledger.append('member', { member, damagedTemplates: removed, by });
    const orphans = problems.filter(({ what }) => what === 'orphan');
    if (orphans.length > 0) store.check.removeOrphans();
    for (const { member, fault } of orphans) store.ledger.append('member', { member, removed: fault, by });
    const usable = new Set(
      store.templates
        .readAll()
        .templates.filter(ofSpace(encoder))
        .map(({ member }) => member),
    );
    const enrolAgain = [...members, ...[...templates.keys()].filter((member) => !usable.has(member))];
    return { templates, members, orphans: orphans.length, enrolAgain };
  });
}

const ofSpace =
  (encoder: EncoderFacts | null) =>
  ({ space }: { readonly space: string }): boolean =>
    encoder === null || space === encoder.space;
