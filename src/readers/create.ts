import type { Readable } from 'node:stream';
import type { ContactConfig, ReaderSourceConfig } from '../config/schema/readers';
import { EvdevReader } from './evdev';
import { GpioContact } from './gpio-contact';
import { CommandReader, SerialReader, StreamReader } from './line-readers';
import type { ContactSource, SwipeSource } from './source';

/** The device of a reader; null for a reader that uses MQTT. */
export function createReader(source: ReaderSourceConfig, stdin: () => Readable): SwipeSource | null {
  switch (source.type) {
    case 'mqtt':
      return null;
    case 'evdev':
      return new EvdevReader(source);
    case 'serial':
      return new SerialReader(source);
    case 'command': {
      const [program = '', ...args] = source.argv;
      return new CommandReader([program, ...args]);
    }
    case 'stdin':
      return new StreamReader('standard input', stdin());
  }
}

/** The device of a door contact; null for a contact that uses MQTT. */
export function createContact({ source }: ContactConfig): ContactSource | null {
  return source.type === 'gpio' ? new GpioContact(source) : null;
}
