import { InvalidArgumentError } from 'commander';

/** A number of things, for commander: at least 1. */
export function wholeNumber(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError('a whole number of at least 1 is expected');
  return Number(text);
}
