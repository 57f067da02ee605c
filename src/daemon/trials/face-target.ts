import type { Roster } from '../../access/members/roster';
import { FACE_CHANNELS, type FacePart } from '../../fleet/update/installed';
import type { Candidate, Obstacle, RunningModel, Trial } from '../../fleet/update/trial';
import { TrialFailed } from '../../fleet/update/trial';
import type { Card } from '../../inference/card';
import { readCard } from '../../inference/bundle';
import type { Log } from '../../system/log';
import type { FaceModels } from '../../vision/job';
import { readEncoderCard } from '../../vision/faces/load';
import type { Doors } from '../doors/doors';
import { type ChannelTarget, wrongKind } from './targets';
import type { VisionService } from '../cameras/vision-service';
import type { TrialLimits } from './trial-limits';
import { FaceTrial } from './face-trial';
import { resolve } from 'node:path';

export interface FaceTargetParts {
  readonly services: () => readonly VisionService[];
  readonly doors: Pick<Doors, 'admitEncoder' | 'dismissEncoder'>;
  readonly roster: Roster;
  readonly modelsDir: string;
  readonly entry: string;
  /** The installed models, and those that run now. */
  readonly factory: FaceModels;
  readonly models: FaceModels;
  readonly limits: TrialLimits;
  readonly log: Log;
}

/** The face models of this box, as a target of updates. */
export class FaceTarget implements ChannelTarget {
  readonly channels = Object.values(FACE_CHANNELS);
  private models: FaceModels;
  private cards: Readonly<Record<FacePart, Card>> | null = null;

  constructor(private readonly parts: FaceTargetParts) {
    this.models = parts.models;
  }

  /** Reads the cards of the running models. Call it before anything else. */
  async start(): Promise<void> {
    this.cards = await this.read(this.models);
  }

  running(channel: string): RunningModel | null {
    const part = partOf(channel);
    const card = part === null ? undefined : this.cards?.[part];
    if (part === null || card === undefined) return null;
    const { version, output } = card;
    const dir = resolve(this.parts.modelsDir, this.models[part]);
    return { version, dir, space: output.decoding === 'embedding' ? output.space : null };
  }

  obstacle({ channel, release }: Candidate): Obstacle | null {
    if (release.kind === 'config') return wrongKind(channel, release);
    const dark = this.parts.services().filter((service) => !service.isLive);
    if (dark.length > 0)
      return { reason: 'not-running', detail: `no pictures from ${dark.map(({ camera }) => camera.id).join(', ')}` };
    const { embedding } = release;
    if (embedding === null || embedding.space === this.running(channel)?.space) return null;
    // Vectors of two spaces are never compared: members without a template in the new space could not enter.
    const missing = this.parts.roster.withoutTemplate(embedding.space);
    return missing === 0
      ? null
      : {
          reason: 'templates-missing',
          detail: `${missing} members have no template for ${embedding.space}: usher enroll --candidate`,
        };
  }

  begin(candidate: Candidate): Trial {
    const part = partOf(candidate.channel);
    if (part === null) throw new TrialFailed('invalid', `no face model runs on ${candidate.channel}`);
    const { services, ...parts } = this.parts;
    return new FaceTrial(candidate, {
      ...parts,
      services: services(),
      models: this.models,
      changed: { ...this.models, [part]: candidate.dir },
      adopted: async (models) => {
        this.cards = await this.read(models);
        this.models = models;
      },
    });
  }

  async restore(channel: string, dir: string | null): Promise<void> {
    const part = partOf(channel);
    if (part === null) return;
    const { factory, doors, modelsDir, services } = this.parts;
    const models = { ...this.models, [part]: dir ?? factory[part] };
    const before = (await readEncoderCard(modelsDir, this.models.encoder)).output;
    const after = (await readEncoderCard(modelsDir, models.encoder)).output;
    doors.admitEncoder(after);
    for (const service of services()) await service.adopt(models);
    this.cards = await this.read(models);
    this.models = models;
    if (before.space !== after.space) doors.dismissEncoder(before.space);
  }

  private async read({ detector, encoder }: FaceModels): Promise<Readonly<Record<FacePart, Card>>> {
    const { modelsDir } = this.parts;
    return {
      detector: await readCard(resolve(modelsDir, detector)),
      encoder: await readCard(resolve(modelsDir, encoder)),
    };
  }
}

function partOf(channel: string): FacePart | null {
  if (channel === FACE_CHANNELS.detector) return 'detector';
  return channel === FACE_CHANNELS.encoder ? 'encoder' : null;
}
