import type { Box } from '../../events';

export function intersectionOverUnion(a: Box, b: Box): number {
  const width = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
  const height = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
  if (width <= 0 || height <= 0) return 0;
  const intersection = width * height;
  return intersection / (a.width * a.height + b.width * b.height - intersection);
}

/** Greedy non-maximum suppression: best score first, whatever overlaps a kept box by more than `iouThreshold` goes. */
export function suppress<T extends { readonly box: Box; readonly score: number }>(
  candidates: T[],
  iouThreshold: number,
): T[] {
  candidates.sort((a, b) => b.score - a.score);
  const kept: T[] = [];
  for (const candidate of candidates)
    if (kept.every((other) => intersectionOverUnion(candidate.box, other.box) <= iouThreshold)) kept.push(candidate);
  return kept;
}
