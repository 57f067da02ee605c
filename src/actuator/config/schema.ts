import { z } from 'zod';
import { ExternalBroker } from '../../config/schema/broker';
import { Argv, HealthConfig, Id, LogConfig, Path } from '../../config/schema/primitives';

/** The configuration of `usher actuator`. The actuator is another process, often on another box, so it has its own file. */
const Topic = z
  .string()
  .min(1)
  .max(256)
  .regex(/^[^+#\u0000-\u001f]+$/, 'an MQTT topic without + and #');

const GpioRelay = z.strictObject({
  type: z.literal('gpio').describe('A line of this machine, set by gpioset (Debian package gpiod)'),
  chip: z
    .string()
    .regex(/^(\/dev\/)?gpiochip\d{1,3}$/, 'like gpiochip0')
    .default('gpiochip0')
    .describe('The GPIO chip; `gpiodetect` lists them'),
  line: z
    .number()
    .int()
    .min(0)
    .max(511)
    .describe('Offset of the line on its chip; `gpioinfo` lists them')
    .meta({ unit: 'none' }),
  activeLow: z.boolean().default(false).describe('The relay opens the lock on a low level'),
  gpioset: z
    .string()
    .regex(/^(\/[^\0]+|gpioset)$/, 'gpioset, or an absolute path')
    .default('gpioset')
    .describe('The program gpioset of libgpiod 1 or 2, by name or absolute path'),
});

const CommandRelay = z.strictObject({
  type: z.literal('command').describe('Two programs of your own'),
  on: Argv.describe('Opens the lock: absolute path and arguments, run without a shell'),
  off: Argv.describe('Closes the lock: absolute path and arguments, run without a shell'),
  timeoutMs: z.number().int().min(100).max(10_000).default(3000).describe('A program that runs longer is killed'),
});

const Tasmota = z.strictObject({
  type: z.literal('tasmota').describe('A Tasmota device on the same broker'),
  topic: Topic.describe('The topic of the device; it listens on cmnd/TOPIC/POWER1'),
  relay: z
    .number()
    .int()
    .min(1)
    .max(8)
    .default(1)
    .describe('Which relay of the device, counted from 1')
    .meta({ unit: 'none' }),
});

const Shelly = z.strictObject({
  type: z.literal('shelly').describe('A Shelly of generation 2 or later on the same broker'),
  topic: Topic.describe('MQTT prefix of the device; it listens on TOPIC/rpc'),
  switchId: z
    .number()
    .int()
    .min(0)
    .max(7)
    .default(0)
    .describe('Which switch of the device, counted from 0')
    .meta({ unit: 'none' }),
});

const Zigbee2Mqtt = z.strictObject({
  type: z.literal('zigbee2mqtt').describe('A Zigbee relay behind Zigbee2MQTT'),
  topic: Topic.describe('The topic of the device; it listens on TOPIC/set').meta({
    examples: ['zigbee2mqtt/front-door'],
  }),
  state: z
    .string()
    .regex(/^state(_[a-z0-9]{1,16})?$/, 'state, state_l1, …')
    .default('state')
    .describe('Name of the field that switches the relay; a device with several has state_l1, state_l2, …'),
});

const HomeAssistantLock = z.strictObject({
  type: z.literal('home-assistant-lock').describe('A lock that takes commands as Home Assistant sends them'),
  topic: Topic.describe('The command topic of the lock'),
  unlockPayload: z.string().min(1).max(256).default('UNLOCK').describe('The message that opens the lock'),
  lockPayload: z.string().min(1).max(256).default('LOCK').describe('The message that closes the lock'),
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
    .strictObject({
      site: Id.describe('device.site in the configuration of the box'),
      id: Id.describe('device.id in the configuration of the box'),
    })
    .describe('The box whose unlocks are obeyed'),
  door: Id.describe('The id of the door in the configuration of the box'),
  name: Id.max(50)
    .optional()
    .describe(
      'Name of this actuator, where one door has several. Without it: the id of the door. Health is published on health/actuator-NAME',
    ),
  broker: ExternalBroker.omit({ type: true }).describe('The broker that the box publishes to'),
  trustedKeys: z
    .array(z.string().max(1024))
    .max(16)
    .default([])
    .describe(
      'Public keys of the boxes whose unlocks are obeyed; `usher actuator trust` adds one. Without a key the actuator does not start',
    ),
  stateDir: Path.default('.usher-actuator').describe(
    'Folder for the record of what was obeyed, so that no copy of an unlock is obeyed after a restart; relative to this file',
  ),
  relay: RelayConfig.describe('What opens the lock'),
  limits: z
    .strictObject({
      maxOpenMs: z
        .number()
        .int()
        .min(100)
        .max(60_000)
        .default(10_000)
        .describe('Longest time that the lock is open in one go, whatever an unlock asks for'),
      maxLifeMs: z
        .number()
        .int()
        .min(200)
        .max(10_000)
        .default(5000)
        .describe('An unlock that is valid for longer is refused; at least mqtt.unlockLifeMs of the box'),
      skewMs: z
        .number()
        .int()
        .min(0)
        .max(5000)
        .default(500)
        .describe('How far the clock of the box may be ahead of the clock here'),
      maxPerMinute: z
        .number()
        .int()
        .min(1)
        .max(6000)
        .default(60)
        .describe('How often the lock may open within a minute')
        .meta({ unit: 'openings' }),
    })
    .prefault({})
    .describe('Limits that hold whatever an unlock says'),
  clock: z
    .strictObject({
      jumpMs: z
        .number()
        .int()
        .min(100)
        .max(60_000)
        .default(2000)
        .describe('After a larger jump of the clock no unlock is obeyed'),
      steadySeconds: z
        .number()
        .min(1)
        .max(3600)
        .default(30)
        .describe('Unlocks are obeyed again when the clock was steady for this time'),
      syncedFile: Path.optional()
        .describe('No unlock is obeyed until this file exists. systemd-timesyncd makes one when it has the time')
        .meta({ examples: ['/run/systemd/timesync/synchronized'] }),
    })
    .prefault({})
    .describe('When the clock of this machine is believed'),
  log: LogConfig,
  health: HealthConfig,
});
export type ActuatorConfig = z.infer<typeof ActuatorSchema>;

export function actuatorJsonSchema(): Record<string, unknown> {
  return { ...z.toJSONSchema(ActuatorSchema, { io: 'input' }), title: 'usher actuator configuration' };
}
