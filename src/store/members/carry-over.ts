import type { NewTemplate, StoredTemplate } from './member';
import type { StoreParts } from './parts';
import type { TemplatesRead } from './template-reader';

/** The two spaces, and how a vector is mapped. */
export interface CarryOver {
  readonly from: string;
  readonly to: string;
  /** Depends only on the old vector. If it throws, nothing changes. */
  readonly map: (vector: Float32Array) => Float32Array;
  /** Delete the templates of the old space of members who now have some in the new one. */
  readonly dropOld: boolean;
  readonly by: string;
}

export interface CarriedOver {
  readonly members: number;
  readonly templates: number;
  /** Members who already had templates in the new space: those stay, and none are added. */
  readonly alreadyThere: number;
  /** Number of deleted templates of the old space. */
  readonly dropped: number;
  /** Templates of the old space that cannot be read and were not mapped. */
  readonly broken: number;
}

interface Templates {
  readSpace(space: string): TemplatesRead;
  add(member: string, templates: readonly NewTemplate[]): StoredTemplate[];
}

/** Maps all templates of one space to another, in one transaction. */
export function carryOver(
  { database, scrubber, ledger }: Pick<StoreParts, 'database' | 'scrubber' | 'ledger'>,
  templates: Templates,
  { from, to, map, dropOld, by }: CarryOver,
): CarriedOver {
  const done = database.transaction(() => {
    const old = new Map<string, StoredTemplate[]>();
    const { templates: readable, broken } = templates.readSpace(from);
    for (const template of readable) old.set(template.member, [...(old.get(template.member) ?? []), template]);
    const known = new Set(
      database.all('SELECT DISTINCT member FROM templates WHERE space = ?', to).map((row) => String(row['member'])),
    );
    const coming = [...old].filter(([member]) => !known.has(member));
    let added = 0;
    for (const [member, own] of coming)
      added += templates.add(
        member,
        own.map(({ vector, quality, source }) => ({ space: to, vector: map(vector), quality, source })),
      ).length;
    const { changes: dropped } = dropOld
      ? database.run(
          'DELETE FROM templates WHERE space = ? AND member IN (SELECT member FROM templates WHERE space = ?)',
          ...[from, to],
        )
      : { changes: 0 };
    if (dropped > 0) scrubber.note();
    const alreadyThere = old.size - coming.length;
    const carried = { members: coming.length, templates: added, alreadyThere, dropped, broken: broken.length };
    ledger.append('encoding', { from, to, by, ...carried });
    return carried;
  });
  scrubber.run();
  return done;
}
