import { sha256Hex } from '../../../src/digest';

export function sha(text: string): string {
  return sha256Hex(text).slice(0, 16);
}
