import { z } from 'zod';
import { ExternalBroker } from '../../config/schema/schema';

/** The configuration of `usher actuator`: a process of its own, often on a box of its own, so a file of its own. */
const Id = z.string().regex(/^[a-z0-9][a-z0-9_-]{0,62}$/, 'lower-case letters, digits, - and _, at most 63');
const Path = z.string().min(1).max(4096);
const Topic = z
  .string()
  .min(1)
  .max(256)
  .regex(/^[^+#\u0000-\u001f]+$/, 'an MQTT topic without + and #');
const Argv = z
  .array(z.string().max(1024))
  .min(1)
  .max(32)
  .refine(([program]) => program?.startsWith('/') === true, 'the program must be an absolute path')
  .describe('Program and arguments; run without a shell');

const GpioRelay = z.strictObject({
  type: z.literal('gpio'),
  chip: z
    .string()
    .regex(/^(\/dev\/)?gpiochip\d{1,3}$/, 'like gpiochip0')
    .default('gpiochip0'),
  line: z.number().int().min(0).max(511).describe('Offset of the line on its chip (gpioinfo lists them)'),
  activeLow: z.boolean().default(false).describe('The relay opens on a low level'),
  gpioset: z
    .string()
    .regex(/^(\/[^\0]+|gpioset)$/, 'gpioset, or an absolute path')
    .default('gpioset')
    .describe('Program of libgpiod 1 or 2 (Debian package gpiod)'),
});

const CommandRelay = z.strictObject({
  type: z.literal('command'),
  on: Argv,
  off: Argv,
  timeoutMs: z.number().int().min(100).max(10_000).default(3000).describe('A program that runs longer is killed'),
});

const Tasmota = z.strictObject({
  type: z.literal('tasmota'),
  topic: Topic.describe('The device’s own topic: it listens on cmnd/TOPIC/POWER1'),
  relay: z.number().int().min(1).max(8).default(1),
});

const Shelly = z.strictObject({
  type: z.literal('shelly'),
  topic: Topic.describe('MQTT prefix of a device of generation 2 or later: it listens on TOPIC/rpc'),
  switchId: z.number().int().min(0).max(7).default(0),
});

const Zigbee2Mqtt = z.strictObject({
  type: z.literal('zigbee2mqtt'),
  topic: Topic.describe('Like zigbee2mqtt/front-door: it listens on TOPIC/set'),
  state: z
    .string()
    .regex(/^state(_[a-z0-9]{1,16})?$/, 'state, state_l1, …')
    .default('state'),
});

const HomeAssistantLock = z.strictObject({
  type: z.literal('home-assistant-lock'),
  topic: Topic.describe('Command topic of the lock'),
  unlockPayload: z.string().min(1).max(256).default('UNLOCK'),
  lockPayload: z.string().min(1).max(256).default('LOCK'),
});

export const RelayConfig = z.discriminatedUnion('type', [
  GpioRelay,
  CommandRelay,
  Tasmota,
  Shelly,
  Zigbee2Mqtt,
  HomeAssistantLock,
]);
export type RelayConfig = z.infer<typeof RelayConfig>;

export const ActuatorSchema = z.strictObject({
  $schema: z.string().optional().describe('For editors only'),
  device: z
    .strictObject({ site: Id, id: Id })
    .describe('The box whose unlocks are obeyed: device.site and device.id of its configuration'),
  door: Id.describe('The door, by its id in the box’s configuration'),
  name: Id.max(50)
    .optional()
    .describe(
      'Tells apart several actuators of one door; default: the door. Health is published on health/actuator-NAME',
    ),
  broker: ExternalBroker.omit({ type: true }).describe('The broker that the box publishes to'),
  trustedKeys: z
    .array(z.string().max(1024))
    .max(16)
    .default([])
    .describe(
      'Public keys whose unlocks are obeyed; `usher actuator trust` adds one. With none the actuator does not start',
    ),
  stateDir: Path.default('.usher-actuator').describe('Where it is kept what was obeyed; relative to this file'),
  relay: RelayConfig,
  limits: z
    .strictObject({
      maxOpenMs: z
        .number()
        .int()
        .min(100)
        .max(60_000)
        .default(10_000)
        .describe('Longest time open in one go, whatever unlocks ask for'),
      maxLifeMs: z
        .number()
        .int()
        .min(200)
        .max(10_000)
        .default(5000)
        .describe('An unlock that is valid for longer is refused; at least the box’s mqtt.unlockLifeMs'),
      skewMs: z.number().int().min(0).max(5000).default(500).describe('How far the box’s clock may be ahead of ours'),
      maxPerMinute: z.number().int().min(1).max(6000).default(60).describe('Openings a minute'),
    })
    .prefault({}),
  clock: z
    .strictObject({
      jumpMs: z.number().int().min(100).max(60_000).default(2000).describe('A larger jump of the clock is doubted'),
      steadySeconds: z
        .number()
        .min(1)
        .max(3600)
        .default(30)
        .describe('… until it has kept pace with the machine’s own counter for so long'),
      syncedFile: Path.optional().describe(
        'Nothing is obeyed until this file exists; /run/systemd/timesync/synchronized says that systemd-timesyncd has the time',
      ),
    })
    .prefault({}),
  log: z
    .strictObject({
      level: z.enum(['error', 'warn', 'info', 'debug']).default('info'),
      format: z.enum(['text', 'json']).default('text'),
    })
    .prefault({}),
  health: z.strictObject({ everySeconds: z.number().min(1).max(3600).default(10) }).prefault({}),
});
export type ActuatorConfig = z.infer<typeof ActuatorSchema>;

export function actuatorJsonSchema(): Record<string, unknown> {
  return { ...z.toJSONSchema(ActuatorSchema, { io: 'input' }), title: 'usher actuator configuration' };
}
