import { readFileSync } from 'node:fs';
import path from 'node:path';
import { packageRoot } from '../../../src/system/paths';
import type { Numbered } from './plan';
import { sha } from './sha';

/** A mutant of which somebody has said why no test can or need tell it from the code. */
export interface Argued {
  readonly file: string;
  /** The function, method or constant that it is in, and the hash of its text: what was argued about. */
  readonly declaration: string;
  readonly around: string;
  readonly operator: string;
  readonly before: string;
  readonly after: string;
  readonly nth: number;
  readonly reason: string;
}

const FILE = path.join(packageRoot(), 'test/proofs/mutation-argued.json');

export function readArgued(): Argued[] {
  return JSON.parse(readFileSync(FILE, 'utf8')) as Argued[];
}

export function argumentFor(mutant: Numbered): Omit<Argued, 'reason'> {
  const { file, declaration, operator, before, after, nth } = mutant;
  return { file, declaration, around: sha(mutant.around), operator, before, after, nth };
}

export function keyOf({ file, declaration, around, operator, before, after, nth }: Omit<Argued, 'reason'>): string {
  return [file, declaration, around, operator, before, after, nth].join('\0');
}

/** Arguments about code that has changed since, or that is no more. They count for nothing until somebody has looked again. */
export function staleAmong(argued: readonly Argued[], mutants: readonly Numbered[]): Argued[] {
  const now = new Set(mutants.map((mutant) => keyOf(argumentFor(mutant))));
  return argued.filter((each) => !now.has(keyOf(each)));
}
