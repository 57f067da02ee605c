import path from 'node:path';
import { CATALOG } from '../../bundles/catalog/catalog';
import { messageOf, UsherError } from '../../errors';
import { listBundles, readCard, verifyBundle } from '../../inference/bundle';
import type { Card } from '../../inference/card';
import { CPU_ONE_THREAD } from '../../inference/model';
import { tableLines } from '../../terminal/table';

export interface ListedModel {
  readonly name: string;
  readonly installed: boolean;
  /** Why the installed card cannot be read; else null. */
  readonly problem: string | null;
  /** From the installed bundle, else from the catalog. */
  readonly about: Pick<Card, 'set' | 'task' | 'version' | 'summary' | 'licence' | 'figures'> | null;
}

export interface VerifiedModel {
  readonly name: string;
  readonly ok: boolean;
  readonly problem: string | null;
}

/** Every bundle in the folder and every entry of the catalog, by name. @throws UsherError `file-unreadable` */
export async function listModels(dir: string): Promise<ListedModel[]> {
  const models = new Map<string, ListedModel>();
  for (const { name, card } of CATALOG)
    models.set(name, { name, installed: false, problem: null, about: aboutOf(card) });
  for (const folder of await listBundles(dir)) {
    const name = path.basename(folder);
    const read = await readCard(folder).then(
      (card) => ({ about: aboutOf(card), problem: null }),
      (error: unknown) => ({ about: null, problem: messageOf(error) }),
    );
    models.set(name, { name, installed: true, ...read });
  }
  return [...models.values()].sort((a, b) => a.name.localeCompare(b.name));
}

/**
 * Checks bundles as a load does: digests, then golden vectors on the CPU.
 * @param names bundles to check; empty: all
 * @throws UsherError `model-missing` if there is none, or a named one is missing
 */
export async function verifyModels(dir: string, names: readonly string[]): Promise<VerifiedModel[]> {
  const folders = names.length > 0 ? names.map((name) => path.join(dir, name)) : await listBundles(dir);
  if (folders.length === 0)
    throw new UsherError('model-missing', `${dir} holds no model bundles`, { remedy: 'Run: usher models ensure' });
  const results: VerifiedModel[] = [];
  for (const folder of folders) {
    const problem = await verifyBundle(folder, CPU_ONE_THREAD).then(
      ({ card: { name } }) => (name === path.basename(folder) ? null : `its card has the name "${name}"`),
      (error: unknown) => messageOf(error),
    );
    results.push({ name: path.basename(folder), ok: problem === null, problem });
  }
  return results;
}

/** A table for a person. */
export function listText(models: readonly ListedModel[]): string {
  const rows = models.map(({ name, installed, problem, about }) => [
    name,
    problem !== null ? 'BROKEN' : installed ? 'installed' : '-',
    about?.set ?? '-',
    about?.task ?? '-',
    about?.version ?? '-',
    about?.licence.spdx ?? '-',
    about === null ? '-' : headline(about.figures),
    problem ?? about?.licence.origin ?? '-',
  ]);
  return tableLines([['name', 'here', 'set', 'task', 'version', 'licence', 'figure', 'origin'], ...rows]).join('\n');
}

/** A table for a person. */
export function verifyText(results: readonly VerifiedModel[]): string {
  const bad = results.filter((result) => !result.ok).length;
  return [
    tableLines(results.map(({ name, ok, problem }) => [name, ok ? 'ok' : 'BAD', problem ?? ''])).join('\n'),
    bad === 0 ? `all ${results.length} are valid` : `${bad} of ${results.length} are bad`,
  ].join('\n');
}

function aboutOf({ set, task, version, summary, licence, figures }: ListedModel['about'] & object) {
  return { set, task, version, summary, licence, figures };
}

/** One figure for the table: the miss rate at the threshold that doors use, else the first figure. */
function headline(figures: Card['figures']): string {
  const figure = figures.find(({ name }) => name.endsWith('fnmr_at_fmr_1e-4')) ?? figures[0];
  if (figure === undefined) return '-';
  const value =
    figure.unit === 'ratio' ? `${Number((figure.value * 100).toFixed(2))} %` : `${figure.value} ${figure.unit}`;
  return `${figure.name.replace(/^[a-z]+\./, '')} ${value}`;
}
