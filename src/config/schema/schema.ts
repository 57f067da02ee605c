import { z } from 'zod';
import { AuditConfig } from './audit';
import { MqttConfig } from './broker';
import { CameraConfig } from './cameras';
import { DoorConfig } from './doors';
import { FleetConfig } from './fleet';
import { MicrophoneConfig, WyomingConfig } from './microphones';
import { PolicyConfig } from './policy';
import { HealthConfig, Id, LogConfig, Path } from './primitives';
import { ContactConfig, ReaderConfig } from './readers';
import { SecurityConfig } from './security';
import { StillsConfig } from './stills';
import { VisitorsConfig } from './visitors';

const BundleName = z.string().max(64);

const ModelsConfig = z
  .strictObject({
    dir: Path.default('../models').describe('Folder of model bundles; relative to this file'),
    set: z
      .enum(['auto', 'recommended', 'fallback'])
      .default('auto')
      .describe('auto: the recommended set where it is installed, else the fallback set, which is reported'),
    detector: BundleName.optional()
      .describe('Name of a detector bundle, instead of the set’s')
      .meta({ examples: ['yunet-s'] }),
    encoder: BundleName.optional()
      .describe('Name of an encoder bundle, instead of the set’s')
      .meta({ examples: ['mobilefacenet'] }),
    liveness: BundleName.default('minifas').describe('Name of the bundle that tells persons from pictures of them'),
    scene: BundleName.default('scene').describe('Name of the bundle that tells day from night'),
  })
  .prefault({})
  .describe('Which networks the box runs');

const InferenceConfig = z
  .strictObject({
    providers: z
      .array(z.enum(['tensorrt', 'cuda', 'webgpu', 'cpu']))
      .min(1)
      .default(['cpu'])
      .describe('Execution providers in order of preference. What really runs is logged and published'),
    threads: z
      .number()
      .int()
      .min(1)
      .max(16)
      .default(1)
      .describe('Threads inside one operator of a network; more can be slower on a small shared machine')
      .meta({ unit: 'threads' }),
    mirror: z
      .boolean()
      .default(false)
      .describe(
        'Also encode the mirrored face at the door: twice the work for little gain. Enrolment always follows the model’s card',
      ),
  })
  .prefault({})
  .describe('How the networks are run');

/**
 * The configuration, every key with its unit and default. `device-config/schema.json` and `docs/reference/configuration.md` are
 * generated from here, so the descriptions are what an editor and a reader see.
 */
export const ConfigSchema = z.strictObject({
  $schema: z.string().optional().describe('For editors only'),
  device: z
    .strictObject({
      site: Id.refine((site) => site !== 'fleet', 'a site is not called fleet: topics of groups begin so').describe(
        'The site, first part of every topic',
      ),
      id: Id.describe('This box within the site'),
    })
    .describe('The name of this box; every topic begins usher/v1/SITE/ID'),
  dataDir: Path.default('.usher').describe('Where members, templates and state are kept; relative to this file'),
  models: ModelsConfig,
  inference: InferenceConfig,
  mqtt: MqttConfig,
  cameras: z.array(CameraConfig).max(16).default([]).describe('The cameras of this box'),
  doors: z
    .array(DoorConfig)
    .max(16)
    .default([])
    .describe('The doors that this box decides for, each with one of its cameras'),
  microphones: z
    .array(MicrophoneConfig)
    .max(8)
    .default([])
    .describe('The microphones of this box. A box may have cameras and doors, microphones, or both'),
  wyoming: WyomingConfig.nullable()
    .default(null)
    .describe('Serve trigger words to voice assistants by the Wyoming protocol; null: off'),
  readers: z
    .array(ReaderConfig)
    .max(64)
    .default([])
    .describe('How the card readers are attached and secured. A reader that is not here speaks MQTT and has no key'),
  contacts: z.array(ContactConfig).max(16).default([]).describe('The contacts that tell whether a door is open'),
  policy: PolicyConfig.prefault({}).describe(
    'Who may enter, when and how. Without it every active member may enter at any time, as the mode of the door asks',
  ),
  security: SecurityConfig.prefault({}).describe(
    'Whose commands are obeyed, and how the data of members is locked and kept',
  ),
  audit: AuditConfig.prefault({}).describe('The record of what happened, and the events that wait for the broker'),
  fleet: FleetConfig.prefault({}).describe('Where updates come from, and what a new model must pass'),
  visitors: VisitorsConfig.prefault({}).describe('Tell unknown people apart for a short while, in memory alone'),
  stills: StillsConfig.nullable()
    .default(null)
    .describe(
      'Keep a painted picture of decisions, all faces covered, in dataDir/stills. People at the door must be informed. null: nothing is kept',
    ),
  log: LogConfig,
  health: HealthConfig,
});

export type Config = z.infer<typeof ConfigSchema>;
