import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../src/system/paths';

/** A document of the project, as its readers have it. */
export interface Document {
  /** From the project's folder. */
  readonly path: string;
  readonly text: string;
}

/** Every Markdown file that is, or is about to be, under version control. */
export function documents(): readonly Document[] {
  const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard', '*.md'], {
    cwd: packageRoot(),
    encoding: 'utf8',
  });
  const paths = [...new Set(listed.split('\0'))].filter((path) => path !== '' && !path.startsWith('.'));
  return paths.flatMap((path) => {
    const text = textOf(path);
    return text === null ? [] : [{ path, text }];
  });
}

/** @returns null where the file was deleted and the deletion is not committed yet */
function textOf(path: string): string | null {
  try {
    return readFileSync(join(packageRoot(), path), 'utf8');
  } catch {
    return null;
  }
}

/** The document without fenced blocks; lines stay where they are. */
export function withoutFences(text: string): string {
  return text.replace(/^( *)(```|~~~)[^\n]*\n[\s\S]*?^\1\2 *$/gm, (block) => block.replace(/[^\n]/g, ''));
}

/** What a person reads as prose: no code, no addresses, no comments. Lines stay where they are. */
export function proseOf(text: string): string {
  return withoutFences(text)
    .replace(/<!--[\s\S]*?-->/g, (comment) => comment.replace(/[^\n]/g, ''))
    .replace(/`[^`]*`/g, (code) => code.replace(/[^\n]/g, ' '))
    .replace(/\]\([^)]*\)/g, ']')
    .replace(/https?:\/\/\S+/g, '');
}

export interface Fence {
  readonly language: string;
  readonly body: string;
}

export function fencesOf(text: string): readonly Fence[] {
  return [...text.matchAll(/^( *)```(\w*)[^\n]*\n([\s\S]*?)^\1``` *$/gm)].map(([, , language = '', body = '']) => ({
    language,
    body,
  }));
}

/** Anchors of the headings, as GitHub and the site make them, and those that are set by hand. */
export function anchorsOf(text: string, slugOf: (heading: string) => string): ReadonlySet<string> {
  const anchors = new Set<string>();
  for (const [, heading = ''] of withoutFences(text).matchAll(/^#{1,6} +(.+?) *#*$/gm)) {
    const slug = slugOf(heading.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').replace(/[`*]/g, ''));
    let unique = slug;
    for (let n = 1; anchors.has(unique); n++) unique = `${slug}-${n}`;
    anchors.add(unique);
  }
  for (const [, id = ''] of text.matchAll(/<a (?:id|name)="([^"]+)"/g)) anchors.add(id);
  return anchors;
}
