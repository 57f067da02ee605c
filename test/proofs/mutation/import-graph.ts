import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { packageRoot } from '../../../src/system/paths';

/** Files that a file loads, directly and through others: only tests that load a source can kill its mutants. */
export class ImportGraph {
  private readonly direct = new Map<string, readonly string[]>();

  /** @param read text of a file below the root of the package; null: there is none */
  constructor(private readonly read: (file: string) => string | null = readFile) {}

  /** With the file itself. */
  loadedBy(file: string): ReadonlySet<string> {
    const loaded = new Set<string>();
    const open = [file];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      if (loaded.has(next)) continue;
      loaded.add(next);
      open.push(...this.importsOf(next));
    }
    return loaded;
  }

  private importsOf(file: string): readonly string[] {
    let known = this.direct.get(file);
    if (known === undefined) this.direct.set(file, (known = this.find(file)));
    return known;
  }

  private find(file: string): string[] {
    const text = this.read(file) ?? '';
    const specifiers = [...text.matchAll(/['"](\.{1,2}(?:\/[^'"\n]*)?)['"]/g)].map(([, specifier]) => specifier!);
    return specifiers.flatMap((specifier) => {
      const target = path.posix.join(path.posix.dirname(file), specifier);
      return [target, `${target}.ts`, `${target}/index.ts`].filter(
        (candidate) => /\.(ts|cjs)$/.test(candidate) && this.read(candidate) !== null,
      );
    });
  }
}

function readFile(file: string): string | null {
  const full = path.join(packageRoot(), file);
  return existsSync(full) ? readFileSync(full, 'utf8') : null;
}
