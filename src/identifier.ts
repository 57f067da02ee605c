/** What a card says and a member is known by. One rule for readers, enrolment, MQTT, commands and imports. */
export const IDENTIFIER = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$/;

/** Bytes of card numbers (ISO 14443 and 15693, EM4100), as readers print them. */
const CARD_BYTES = new Set([4, 5, 7, 8, 10]);
const SEPARATED = /^[0-9a-f]{2}(?:([:-])[0-9a-f]{2})(?:\1[0-9a-f]{2})*$/i;
const HEX = /^[0-9a-f]+$/i;

/**
 * The form in which an identifier is kept: card numbers in hexadecimal without separators, in capitals. `04:A3:5B:1C`,
 * `04-a3-5b-1c` and `04a35b1c` are one card; readers of one building do not agree on how to print it. Everything else stays as it is.
 */
export function canonicalIdentifier(identifier: string): string {
  const digits = SEPARATED.test(identifier) ? identifier.replace(/[:-]/g, '') : identifier;
  return HEX.test(digits) && CARD_BYTES.has(digits.length / 2) ? digits.toUpperCase() : identifier;
}

/** Under which ids a member may be found: as it was said (members of before there was a canonical form), and in that form. */
export function spellingsOf(identifier: string): readonly string[] {
  const canonical = canonicalIdentifier(identifier);
  // Only a card number is the same in capitals: `ANN` and `ann` are two members.
  const isCard = HEX.test(canonical) && CARD_BYTES.has(canonical.length / 2);
  return [...new Set([identifier, canonical, ...(isCard ? [canonical.toLowerCase()] : [])])];
}

export function isSameIdentifier(a: string, b: string): boolean {
  return a === b || canonicalIdentifier(a) === canonicalIdentifier(b);
}
