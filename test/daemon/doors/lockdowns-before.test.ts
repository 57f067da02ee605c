import { lockdownsBefore, mayHaveForgotten } from '../../../src/daemon/doors/lockdowns-before';
import type { JournalRecord } from '../../../src/store/journal/journal-chain';

const NOW = Date.UTC(2026, 5, 1);
const record = (body: object): JournalRecord => ({
  ...{ seq: 1, at: 0, kind: 'policy', prev: '', hash: '' },
  body: JSON.stringify(body),
});
const lockdown = (doors: readonly string[] | null, more: object = {}) =>
  record({ order: 'lockdown', doors, groups: [], until: null, by: 'key', ...more });
const of = (records: JournalRecord[], wall: number | null = NOW) =>
  lockdownsBefore(records, ['front', 'back'], wall).map(
    ({ doors, groups, until }) => `${doors?.join('') ?? ''} ${groups.join('+')} ${String(until)}`,
  );

test.each<[what: string, records: JournalRecord[], standing: string[]]>([
  ['none', [], []],
  ['of all doors', [lockdown(null)], ['front  null', 'back  null']],
  ['of one door', [lockdown(['back'], { groups: ['staff'] })], ['back staff null']],
  ['released', [lockdown(null), record({ order: 'release', doors: null })], []],
  ['released at one door', [lockdown(null), record({ order: 'release', doors: ['front'] })], ['back  null']],
  ['given again', [record({ order: 'release', doors: null }), lockdown(['front'])], ['front  null']],
  ['refused', [lockdown(['front'], { until: 5 }), lockdown(['front'], { until: 5, refused: 'past' })], []],
  ['over', [lockdown(['front'], { until: NOW })], []],
  ['not over yet', [lockdown(['front'], { until: NOW + 1 })], [`front  ${NOW + 1}`]],
  ['and a reset', [lockdown(['front']), record({ order: 'reset' })], ['front  null']],
])('%s', (_, records, standing) => expect(of(records)).toEqual(standing));

test('none is over while the time is not known', () => {
  expect(of([lockdown(['front'], { until: 5 })], null)).toEqual(['front  5']);
});

test.each<[what: string, contradicted: boolean, latest: Record<string, number>, forgotten: boolean]>([
  ['an old copy', true, { start: 9 }, true],
  ['an old copy that was accepted before the start', false, { start: 9, restore: 10 }, true],
  ['one that was accepted before an earlier start', false, { start: 11, restore: 10 }, false],
  ['nothing of the kind', false, { start: 9 }, false],
])('%s', (_, contradicted, latest, forgotten) => {
  const journal = {
    latest: (kind: string) => (latest[kind] === undefined ? null : { ...record({}), seq: latest[kind] }),
  };
  expect(mayHaveForgotten({ contradiction: contradicted ? 'older-store' : null }, journal)).toBe(forgotten);
});
