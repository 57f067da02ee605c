import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** libfaketime (Debian's package faketime), between a process and the kernel's wall clock; undefined where it is not installed. */
export const FAKETIME = readdirSync('/usr/lib')
  .map((folder) => join('/usr/lib', folder, 'faketime', 'libfaketimeMT.so.1'))
  .find((file) => existsSync(file));

/** The environment in which a process has the wall clock that `file` says (`+60s`), and only that clock. */
export function faketimeFrom(file: string): Readonly<Record<string, string>> {
  return {
    LD_PRELOAD: FAKETIME ?? '',
    FAKETIME_TIMESTAMP_FILE: file,
    FAKETIME_NO_CACHE: '1',
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
  };
}
