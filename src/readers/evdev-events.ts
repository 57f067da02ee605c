import type { KeyEvent } from './typist';

/**
 * `struct input_event` of a 64-bit kernel: two 8-byte fields of time (s, µs), type, code, value; 24 bytes,
 * little-endian (Documentation/input/input.rst). A 32-bit kernel has 16 bytes, but usher runs only on 64 bits, as
 * onnxruntime does.
 */
const EVENT_BYTES = 24;
const EV_KEY = 1;

/** Decodes the bytes of /dev/input/eventX to keys. Keeps less than one event between chunks. */
export class EvdevDecoder {
  private readonly held = Buffer.alloc(EVENT_BYTES);
  private filled = 0;

  push(bytes: Uint8Array, each: (key: KeyEvent) => void): void {
    for (let at = 0; at < bytes.length;) {
      const part = bytes.subarray(at, at + EVENT_BYTES - this.filled);
      this.held.set(part, this.filled);
      this.filled += part.length;
      at += part.length;
      if (this.filled < EVENT_BYTES) return;
      this.filled = 0;
      if (this.held.readUInt16LE(16) !== EV_KEY) continue;
      each({
        code: this.held.readUInt16LE(18),
        value: this.held.readInt32LE(20),
        at: Number(this.held.readBigInt64LE(0)) * 1000 + Number(this.held.readBigInt64LE(8)) / 1000,
      });
    }
  }
}

/**
 * A line that evtest 1.3x prints for a key:
 * `Event: time 1586524983.094859, type 1 (EV_KEY), code 30 (KEY_A), value 1`; null for every other line.
 */
export function evtestKey(line: string): KeyEvent | null {
  const found = /^Event: time (\d{1,12})\.(\d{6}), type 1 \(EV_KEY\), code (\d{1,5}) \([^)]*\), value ([012])$/.exec(
    line,
  );
  if (found === null) return null;
  const [, seconds, micros, code, value] = found;
  return { code: Number(code), value: Number(value), at: Number(seconds) * 1000 + Number(micros) / 1000 };
}

/** What evtest prints when another program has grabbed the device. It then keeps running, but never prints an event. */
export const EVTEST_TAKEN = 'This device is grabbed by another process.';
