/** The known word that was probably meant by an unknown one; null if none is near enough. */
export function nearest(word: string, known: readonly string[]): string | null {
  const wanted = word.toLowerCase();
  // A third of the letters may be wrong, at least one: `targetFmr` for `targetFRM`, but not `id` for `fps`.
  let bound = Math.max(1, Math.floor(wanted.length / 3));
  let found: string | null = null;
  for (const candidate of known) {
    const steps = distance(wanted, candidate.toLowerCase(), bound);
    if (steps > bound || steps === candidate.length) continue;
    if (steps === bound && found !== null) continue;
    bound = steps;
    found = candidate;
  }
  return found ?? known.find((candidate) => isBeginning(wanted, candidate.toLowerCase())) ?? null;
}

/** `password` of `passwordFile`. */
function isBeginning(a: string, b: string): boolean {
  return Math.min(a.length, b.length) >= 4 && (a.startsWith(b) || b.startsWith(a));
}

/** Of a name that names nothing: what was probably meant, and what there is. */
export function noSuch(what: string, word: unknown, known: readonly unknown[]): string {
  const names = known.filter((name) => typeof name === 'string');
  const near = typeof word === 'string' ? nearest(word, names) : null;
  return `no such ${what}; ${near === null ? '' : `did you mean "${near}"? `}there is: ${names.join(', ') || 'none'}`;
}

/**
 * Letters left out, added, exchanged or swapped with their neighbour (Damerau and Levenshtein, restricted); more than `bound` is
 * only known to be more.
 */
function distance(a: string, b: string, bound: number): number {
  if (Math.abs(a.length - b.length) > bound) return bound + 1;
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let least = Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (row[j - 1] ?? 0) + (same ? 0 : 1));
      if (a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) least = Math.min(least, (before[j - 2] ?? Infinity) + 1);
      next.push(least);
    }
    before = row;
    row = next;
  }
  return row[b.length] ?? bound + 1;
}
