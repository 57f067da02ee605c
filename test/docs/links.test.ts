import { existsSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { slugOf } from '../../docs/.vitepress/slug';
import { packageRoot } from '../../src/system/paths';
import { anchorsOf, documents, withoutFences } from './documents';

/** Links resolve to files of the project and headings in them. Addresses elsewhere are only looked at: no test asks another host. */
const all = documents();
const anchors = new Map(all.map(({ path, text }) => [path, anchorsOf(text, slugOf)]));

/** Targets of links and pictures, in Markdown and in HTML. */
function targetsOf(text: string): string[] {
  const prose = withoutFences(text).replace(/`[^`]*`/g, '');
  const inline = [...prose.matchAll(/\]\(\s*<?([^)>\s]+)>?(?:\s+"[^"]*")?\s*\)/g)];
  const references = [...prose.matchAll(/^\[[^\]]+\]:\s*(\S+)/gm)];
  const html = [...prose.matchAll(/\b(?:href|src)="([^"]+)"/g)];
  const home = [...text.matchAll(/^ +link: (\S+)$/gm)];
  return [...inline, ...references, ...html, ...home].map(([, target]) => target ?? '');
}

test.each(all.map(({ path, text }) => ({ path, text })))('every link of $path leads somewhere', ({ path, text }) => {
  const wrong = targetsOf(text).flatMap((target) => {
    const why = faultOf(path, target);
    return why === null ? [] : [`${target}: ${why}`];
  });
  expect(wrong).toEqual([]);
});

function faultOf(from: string, target: string): string | null {
  if (/^(https?|mailto):/.test(target)) return URL.canParse(target) ? null : 'no address';
  if (/^[a-z][a-z0-9+.-]*:/i.test(target)) return 'a scheme that no reader of the documents can open';
  const [name = '', anchor] = target.split('#');
  const path = name === '' ? from : fileOf(from, decodeURIComponent(name));
  if (path === null) return 'no such file';
  if (anchor === undefined || !path.endsWith('.md')) return null;
  return anchors.get(path)?.has(decodeURIComponent(anchor)) === true ? null : `no heading ${anchor} in ${path}`;
}

/** On the site a page may be named without its ending, and from the top of the site. */
function fileOf(from: string, name: string): string | null {
  const base = name.startsWith('/') ? join('docs', name) : normalize(join(dirname(from), name));
  const candidates = from.startsWith('docs/')
    ? [base, `${base}.md`, join(base, 'index.md'), join('docs/public', name)]
    : [base];
  return candidates.find((path) => existsSync(join(packageRoot(), path))) ?? null;
}

test('links are looked at, and a wrong one is found', () => {
  expect(all.flatMap(({ text }) => targetsOf(text)).length).toBeGreaterThan(5);
  expect(faultOf('docs/index.md', 'reference/nothing.md')).toBe('no such file');
  expect(faultOf('docs/glossary.md', 'reference/configuration.md#cameras')).toBeNull();
  expect(faultOf('docs/glossary.md', 'reference/configuration.md#camera')).toMatch(/no heading/);
});
