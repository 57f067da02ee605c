import { z } from 'zod';
import { Path } from './primitives';

const EmbeddedBroker = z.strictObject({
  type: z.literal('embedded').describe('A broker inside usher, on the loopback interface only; it speaks MQTT 3.1.1'),
  port: z
    .number()
    .int()
    .min(0)
    .max(65535)
    .default(1883)
    .describe('TCP port on the loopback interface; 0 takes a free one')
    .meta({ unit: 'none' }),
});

export const ExternalBroker = z.strictObject({
  type: z.literal('external').describe('A broker of your own, such as mosquitto'),
  url: z
    .string()
    .regex(/^(mqtt|mqtts|ws|wss):\/\/[^\s]+$/, 'mqtt://, mqtts://, ws:// or wss://')
    .describe('Address of the broker; mqtts:// and wss:// use TLS')
    .meta({ examples: ['mqtts://broker.example:8883'] }),
  username: z.string().max(256).optional().describe('User name at the broker; without it none is sent'),
  passwordFile: Path.optional().describe('File that holds the password as its only line; relative to this file'),
  caFile: Path.optional().describe('PEM file of the authority that signed the broker’s certificate'),
  certFile: Path.optional().describe('PEM client certificate; needs keyFile as well'),
  keyFile: Path.optional().describe('PEM key of the client certificate'),
  protocolVersion: z
    .union([z.literal(4), z.literal(5)])
    .default(4)
    .describe('4 is MQTT 3.1.1, 5 is MQTT 5'),
});
export type BrokerConfig = z.infer<typeof EmbeddedBroker> | z.infer<typeof ExternalBroker>;

export const MqttConfig = z
  .strictObject({
    broker: z
      .discriminatedUnion('type', [EmbeddedBroker, ExternalBroker])
      .default({ type: 'embedded', port: 1883 })
      .describe('The broker that the box publishes to and listens to'),
    discovery: z.boolean().default(true).describe('Announce the box to Home Assistant'),
    discoveryPrefix: z
      .string()
      .regex(/^[A-Za-z0-9_-]{1,64}$/)
      .default('homeassistant')
      .describe('First part of the discovery topics; the same as in Home Assistant’s MQTT settings'),
    unlockLifeMs: z.number().int().min(200).max(10_000).default(2000).describe('An unlock older than this is void'),
  })
  .prefault({})
  .describe('How the box speaks MQTT');
