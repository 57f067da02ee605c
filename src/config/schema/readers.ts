import { z } from 'zod';
import { Path } from './primitives';

/** Where swipes and door contacts come from, and how forged ones are recognised. */

/** Shorter than other ids: `reader-` and `contact-` before it must still be a topic's part. */
const SourceId = z.string().regex(/^[a-z0-9][a-z0-9_-]{0,54}$/, 'lower-case letters, digits, - and _, at most 55');

const security = {
  security: z
    .enum(['required', 'none'])
    .optional()
    .describe(
      'required: only messages with a valid MAC and counter are accepted. none: all are. Without it: required where keyFile is set, else none',
    ),
  keyFile: Path.optional().describe(
    'File with the 32 bytes that the sender knows too, mode 0600; relative to this file. `usher reader key new` makes one',
  ),
  freshMs: z
    .number()
    .int()
    .min(500)
    .max(60_000)
    .default(10_000)
    .describe('How far the time of a message may differ from that of the box'),
};

const MqttReader = z.strictObject({ type: z.literal('mqtt').describe('Swipes come as messages on the broker') });

const EvdevReader = z.strictObject({
  type: z.literal('evdev').describe('A USB reader that types like a keyboard'),
  device: z
    .string()
    .regex(
      /^\/dev\/input\/(event\d{1,3}|by-(id|path)\/[A-Za-z0-9:._+-]{1,200})$/,
      'a device like /dev/input/by-id/…-event-kbd',
    )
    .describe('The input device; a path in by-id stays the same when the reader is plugged in again')
    .meta({ examples: ['/dev/input/by-id/usb-Reader-event-kbd'] }),
  grab: z
    .boolean()
    .default(true)
    .describe(
      'Keep its keys away from the console (needs the Debian package evtest). false: they are also typed into the active program',
    ),
  keyGapMs: z
    .number()
    .int()
    .min(20)
    .max(5000)
    .default(300)
    .describe('A longer pause between two keys discards what was typed before'),
});

const SerialReader = z.strictObject({
  type: z.literal('serial').describe('A reader on a serial line'),
  device: z
    .string()
    .regex(/^\/dev\/(?!.*\.\.)[A-Za-z0-9/:._+-]{1,200}$/, 'a device like /dev/ttyUSB0')
    .describe('The serial device. It must send lines: an identifier, or SWIPE IDENTIFIER COUNTER MAC'),
  baud: z
    .union([1200, 2400, 4800, 9600, 19_200, 38_400, 57_600, 115_200].map((rate) => z.literal(rate)))
    .default(9600)
    .describe('Bits per second; 8 data bits, no parity, 1 stop bit'),
});

const CommandReader = z.strictObject({
  type: z.literal('command').describe('A program that speaks to the reader'),
  argv: z
    .array(z.string().min(1).max(4096))
    .min(1)
    .max(64)
    .describe('Program and arguments, run without a shell; it writes lines as a serial reader does'),
});

const StdinReader = z.strictObject({ type: z.literal('stdin').describe('Lines on the standard input of usher') });

export const ReaderConfig = z.strictObject({
  id: SourceId.describe('Name of the reader, as the door names it'),
  source: z
    .discriminatedUnion('type', [MqttReader, EvdevReader, SerialReader, CommandReader, StdinReader])
    .default({ type: 'mqtt' })
    .describe('How the reader is attached'),
  repeatMs: z
    .number()
    .int()
    .min(0)
    .max(60_000)
    .default(1000)
    .describe('Local readers: the same card again within this time is the same swipe'),
  ...security,
});
export type ReaderConfig = z.infer<typeof ReaderConfig>;
export type ReaderSourceConfig = ReaderConfig['source'];

const MqttContact = z.strictObject({
  type: z.literal('mqtt').describe('The state comes as messages on the broker'),
});

const GpioContact = z.strictObject({
  type: z.literal('gpio').describe('A line of this box, read by gpiomon (Debian package gpiod)'),
  chip: z
    .string()
    .regex(/^gpiochip\d{1,3}$/, 'a chip like gpiochip0')
    .default('gpiochip0')
    .describe('The GPIO chip; `gpiodetect` lists them'),
  line: z
    .number()
    .int()
    .min(0)
    .max(1023)
    .describe('Offset of the line on the chip; `gpioinfo` lists them')
    .meta({ unit: 'none' }),
  bias: z
    .enum(['as-is', 'disable', 'pull-up', 'pull-down'])
    .default('pull-up')
    .describe('The resistor inside the chip. pull-up is for a contact that connects the line to ground'),
  openWhen: z.enum(['high', 'low']).default('high').describe('Level of the line while the door is open'),
  debounceMs: z
    .number()
    .int()
    .min(0)
    .max(1000)
    .default(50)
    .describe('The level must be stable for this time before it counts'),
});
export type GpioContactConfig = z.infer<typeof GpioContact>;

export const ContactConfig = z.strictObject({
  door: SourceId.describe('The door whose state it shows; one contact for each door'),
  source: z
    .discriminatedUnion('type', [MqttContact, GpioContact])
    .default({ type: 'mqtt' })
    .describe('How the contact is attached'),
  ...security,
});
export type ContactConfig = z.infer<typeof ContactConfig>;

/** Whether messages of this source must carry a MAC. */
export function isSecured({ security, keyFile }: Pick<ReaderConfig, 'security' | 'keyFile'>): boolean {
  return (security ?? (keyFile === undefined ? 'none' : 'required')) === 'required';
}
