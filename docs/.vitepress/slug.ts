/** The anchor of a heading, as GitHub makes it: so a link works there and on the site. Duplicates get -1, -2, … from the caller. */
export function slugOf(heading: string): string {
  return heading
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .replace(/\s/g, '-');
}
