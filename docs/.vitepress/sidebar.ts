import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

interface Entry {
  readonly text: string;
  readonly link: string;
}

/** The sections in their order, each a folder. */
const SECTIONS = [
  ['Tutorials', 'tutorials'],
  ['How-to', 'how-to'],
  ['Reference', 'reference'],
  ['Explanation', 'explanation'],
  ['Decisions', 'decisions'],
] as const;

interface Section {
  readonly text: string;
  readonly items?: Entry[];
  readonly link?: string;
  readonly collapsed?: boolean;
}

/** The sidebar, read from the folders and the titles of the pages: a new page needs no entry. */
export function sectionsOf(docs: string): Section[] {
  const folders = SECTIONS.filter(([, folder]) => existsSync(join(docs, folder))).map(([text, folder]) => ({
    text,
    items: pagesOf(docs, folder),
    collapsed: folder === 'decisions',
  }));
  return [...folders, { text: 'Glossary', link: '/glossary' }];
}

/** The bar at the top: each section by its first page. */
export function navigationOf(sections: readonly Section[]): Entry[] {
  return sections.flatMap(({ text, items, link = items?.[0]?.link }) => (link === undefined ? [] : [{ text, link }]));
}

/** Numbered files (0001-…, 1-…) in the order of their numbers, others by title; index pages come first. */
function pagesOf(docs: string, folder: string): Entry[] {
  const names = readdirSync(join(docs, folder)).filter((name) => name.endsWith('.md'));
  const pages = names.map((name) => {
    const text = titleOf(readFileSync(join(docs, folder, name), 'utf8')) ?? name;
    const base = name.replace(/\.md$/, '');
    const rank = base === 'index' || base === 'README' ? '' : (/^\d+/.exec(base)?.[0].padStart(6, '0') ?? `~${text}`);
    return { text, rank, link: `/${folder}/${base === 'index' ? '' : base}` };
  });
  return pages.sort((a, b) => a.rank.localeCompare(b.rank, 'en')).map(({ text, link }) => ({ text, link }));
}

function titleOf(page: string): string | undefined {
  return /^title: *(.+)$/m.exec(/^---\n[\s\S]*?\n---/.exec(page)?.[0] ?? '')?.[1] ?? /^# (.+)$/m.exec(page)?.[1];
}
