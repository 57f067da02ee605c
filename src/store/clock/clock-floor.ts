import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { systemCode } from '../../errors';
import { writeDurably } from '../../files/durable-file';

/** The latest time that this box trusted, over restarts: a clock before it is behind. */
export const clockFloorFile = (dataDir: string): string => join(dataDir, 'clock-floor');

/** Epoch ms; 0 for none. */
export function readClockFloor(dataDir: string): number {
  let text: string;
  try {
    text = readFileSync(clockFloorFile(dataDir), 'utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return 0;
    throw error;
  }
  // Written atomically; any other content was put there by hand.
  const floor = /^\d{1,16}\n?$/.test(text) ? Number(text) : 0;
  return Number.isSafeInteger(floor) ? floor : 0;
}

export function writeClockFloor(dataDir: string, floor: number): void {
  writeDurably(clockFloorFile(dataDir), new TextEncoder().encode(`${Math.floor(floor)}\n`));
}

/** Only after a person confirmed that the clock is correct. A running daemon notices. */
export function removeClockFloor(dataDir: string): void {
  rmSync(clockFloorFile(dataDir), { force: true });
}
