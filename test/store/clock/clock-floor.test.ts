import { mkdirSync, writeFileSync } from 'node:fs';
import {
  clockFloorFile,
  readClockFloor,
  removeClockFloor,
  writeClockFloor,
} from '../../../src/store/clock/clock-floor';
import { withFolder } from '../harness';

test('is 0 where there is none, and reads as it was written, without fractions', () =>
  withFolder((folder) => {
    expect(readClockFloor(folder)).toBe(0);
    writeClockFloor(folder, 1_780_000_000_000.9);
    expect(readClockFloor(folder)).toBe(1_780_000_000_000);
    removeClockFloor(folder);
    expect(readClockFloor(folder)).toBe(0);
    expect(() => removeClockFloor(folder)).not.toThrow();
  }));

test.each([
  ['1780000000000', 1_780_000_000_000],
  ['9007199254740991\n', Number.MAX_SAFE_INTEGER],
  ['9007199254740993\n', 0],
  ['1e3\n', 0],
  ['-5\n', 0],
  ['', 0],
])('takes what was written by hand for a number of ms or for none: %j', (text, floor) =>
  withFolder((folder) => {
    writeFileSync(clockFloorFile(folder), text);
    expect(readClockFloor(folder)).toBe(floor);
  }),
);

test('that cannot be read is an error, and not taken for none', () =>
  withFolder((folder) => {
    mkdirSync(clockFloorFile(folder));
    expect(() => readClockFloor(folder)).toThrow('EISDIR');
  }));
