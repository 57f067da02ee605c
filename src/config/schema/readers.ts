import { z } from 'zod';

/** Where swipes and door contacts come from, and how they are told from forgeries. */

/** Shorter than other ids: `reader-` and `contact-` before it must still be a topic's part. */
const SourceId = z.string().regex(/^[a-z0-9][a-z0-9_-]{0,54}$/, 'lower-case letters, digits, - and _, at most 55');
const Path = z.string().min(1).max(4096);

const security = {
  security: z
    .enum(['required', 'none'])
    .optional()
    .describe(
      'required: only messages with a good MAC and counter. Default: required where a keyFile is given, else none',
    ),
  keyFile: Path.optional().describe('File with the 32 bytes shared with the reader, mode 0600; relative to this file'),
  freshMs: z
    .number()
    .int()
    .min(500)
    .max(60_000)
    .default(10_000)
    .describe('A message’s time may differ from the box’s by this much'),
};

const MqttReader = z.strictObject({ type: z.literal('mqtt') });

const EvdevReader = z.strictObject({
  type: z.literal('evdev'),
  device: z
    .string()
    .regex(
      /^\/dev\/input\/(event\d{1,3}|by-(id|path)\/[A-Za-z0-9:._+-]{1,200})$/,
      'a device like /dev/input/by-id/…-event-kbd',
    )
    .describe('A reader that types like a keyboard; by-id survives a new plug'),
  grab: z
    .boolean()
    .default(true)
    .describe(
      'Keep its keys from the console, through the Debian package evtest; false: also typed into whatever has the keyboard',
    ),
  keyGapMs: z
    .number()
    .int()
    .min(20)
    .max(5000)
    .default(300)
    .describe('A longer pause between two keys discards what was typed'),
});

const SerialReader = z.strictObject({
  type: z.literal('serial'),
  device: z
    .string()
    .regex(/^\/dev\/(?!.*\.\.)[A-Za-z0-9/:._+-]{1,200}$/, 'a device like /dev/ttyUSB0')
    .describe('Lines of an identifier, or SWIPE identifier counter mac'),
  baud: z
    .union([1200, 2400, 4800, 9600, 19_200, 38_400, 57_600, 115_200].map((rate) => z.literal(rate)))
    .default(9600)
    .describe('8 data bits, no parity, 1 stop bit'),
});

const CommandReader = z.strictObject({
  type: z.literal('command'),
  argv: z
    .array(z.string().min(1).max(4096))
    .min(1)
    .max(64)
    .describe('Program and arguments, no shell; it writes lines as a serial reader does'),
});

const StdinReader = z.strictObject({ type: z.literal('stdin') });

export const ReaderConfig = z.strictObject({
  id: SourceId,
  source: z
    .discriminatedUnion('type', [MqttReader, EvdevReader, SerialReader, CommandReader, StdinReader])
    .default({ type: 'mqtt' }),
  repeatMs: z
    .number()
    .int()
    .min(0)
    .max(60_000)
    .default(1000)
    .describe('Local readers: one card again within so long is the same swipe'),
  ...security,
});
export type ReaderConfig = z.infer<typeof ReaderConfig>;
export type ReaderSourceConfig = ReaderConfig['source'];

const MqttContact = z.strictObject({ type: z.literal('mqtt') });

const GpioContact = z.strictObject({
  type: z.literal('gpio'),
  chip: z
    .string()
    .regex(/^gpiochip\d{1,3}$/, 'a chip like gpiochip0')
    .default('gpiochip0'),
  line: z.number().int().min(0).max(1023).describe('Offset of the line on the chip: gpioinfo'),
  bias: z.enum(['as-is', 'disable', 'pull-up', 'pull-down']).default('pull-up'),
  openWhen: z.enum(['high', 'low']).default('high').describe('Level of the line while the door is open'),
  debounceMs: z.number().int().min(0).max(1000).default(50),
});
export type GpioContactConfig = z.infer<typeof GpioContact>;

export const ContactConfig = z.strictObject({
  door: SourceId.describe('The door that it tells of; one contact a door'),
  source: z.discriminatedUnion('type', [MqttContact, GpioContact]).default({ type: 'mqtt' }),
  ...security,
});
export type ContactConfig = z.infer<typeof ContactConfig>;

/** Whether messages of this source must carry a MAC. */
export function isSecured({ security, keyFile }: Pick<ReaderConfig, 'security' | 'keyFile'>): boolean {
  return (security ?? (keyFile === undefined ? 'none' : 'required')) === 'required';
}
