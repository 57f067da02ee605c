import type { Roster } from '../../access/members/roster';
import { type ThresholdRow, distanceFor } from '../../access/members/thresholds';
import { type Candidate, TrialFailed, TrialPostponed } from '../../fleet/update/trial';
import { adoptEverywhere } from '../../system/adopt-everywhere';
import { readEncoderCard } from '../../vision/faces/load';
import type { FaceModels } from '../../vision/job';
import type { VisionService } from '../cameras/vision-service';
import type { Doors, EncoderFacts } from '../doors/doors';
import { ModelTrial, type ModelTrialParts } from './model-trial';
import { requireAgreement, requireQuick } from './trial-cost';
import { TrialFigures } from './trial-figures';
import { VisionCandidate } from './vision-candidate';
import type { Observation } from '../../events';

export interface FaceTrialParts extends ModelTrialParts<VisionService> {
  readonly doors: Pick<Doors, 'admitEncoder' | 'dismissEncoder'>;
  readonly roster: Roster;
  readonly modelsDir: string;
  /** The models that run, and the ones to try. */
  readonly models: FaceModels;
  readonly changed: FaceModels;
  /** Called when the new models run: later processes start with them. */
  readonly adopted: (models: FaceModels) => Promise<void>;
}

/** Minimum number of the candidate's frames for a test, and to count as in service. */
const SHADOW_FRAMES = 10;
const SETTLED_FRAMES = 5;
/** Minimum number of compared frames at the end, if no more were available. */
const FEWEST_COMPARED = 5;
/** Where frames are rare, the shadow test may take this many times as long, and in any case this long. */
const SHADOW_PATIENCE = 4;
const SHADOW_PATIENCE_MS = 60_000;
/** Number of frames for which the running model may step in whatever their share: at first each is a large share. */
const STEP_IN_FREE = 5;

/** A detector or an encoder on trial, at every camera of the box. */
export class FaceTrial extends ModelTrial<VisionService, VisionCandidate, FaceTrialParts> {
  protected readonly settledAfter = SETTLED_FRAMES;
  private encoders: { readonly own: EncoderFacts; readonly candidate: EncoderFacts } | null = null;
  private adopted = false;

  constructor(
    private readonly release: Candidate,
    parts: FaceTrialParts,
  ) {
    super(parts);
  }

  override async adopt(signal: AbortSignal): Promise<void> {
    await super.adopt(signal);
    this.parts.log.info('took over', { channel: this.release.channel, longestGapMs: this.takeLongestGap() });
  }

  protected async prepare(): Promise<void> {
    const { roster, modelsDir, models, changed } = this.parts;
    const own = (await readEncoderCard(modelsDir, models.encoder)).output;
    const candidate = (await readEncoderCard(modelsDir, changed.encoder)).output;
    this.encoders = { own, candidate };
    // The members in the candidate's space; the deciding space does not change.
    if (candidate.space !== own.space) roster.admit(candidate);
  }

  protected candidateAt(service: VisionService): VisionCandidate {
    const { roster, changed, entry, limits, log } = this.parts;
    const tableOf = (by: 'own' | 'candidate'): readonly ThresholdRow[] => this.encoders?.[by].thresholds ?? [];
    const figures = new TrialFigures((observation, by) => faceOutcome(observation, roster, tableOf(by)));
    return new VisionCandidate({
      service,
      entry,
      startMs: limits.startMs,
      figures,
      log,
      // The scene comes from the running child; liveness comes with each frame.
      jobOf: (running) => ({ ...running, models: { ...running.models, ...changed, scene: null } }),
    });
  }

  protected hasEnough(elapsedMs: number): boolean {
    const { shadowMs, seenMs } = this.parts.limits;
    const analysed = this.candidates.every(({ figures }) => figures.analysed >= SHADOW_FRAMES);
    const seen = this.candidates.some(({ figures }) => figures.decided >= FEWEST_COMPARED);
    if (!analysed && elapsedMs > Math.max(SHADOW_PATIENCE_MS, shadowMs * SHADOW_PATIENCE))
      throw new TrialFailed('blind', 'too few frames arrived to test it', true);
    if (!seen && elapsedMs > Math.max(seenMs, shadowMs))
      throw new TrialPostponed('nobody-seen', 'no person came into view, so the model was not tested on faces yet');
    return analysed && seen;
  }

  protected override async catchUp(signal: AbortSignal): Promise<void> {
    if (this.encoders !== null) this.parts.doors.admitEncoder(this.encoders.candidate);
    for (const candidate of this.candidates) candidate.hurry();
    await this.answers(SETTLED_FRAMES, signal);
    this.takeLongestGap();
  }

  protected check(candidate: VisionCandidate, last: boolean): void {
    const { limits } = this.parts;
    const { agreement, compared, stepIns, analysed } = candidate.figures;
    if (agreement !== null && compared >= (last ? FEWEST_COMPARED : limits.minCompared))
      requireAgreement(agreement, limits, this.switched, (share) => ({
        detail: `${share} of ${compared} frames get the same decision as from the running model`,
      }));
    requireQuick(candidate.figures, limits, !this.switched);
    if (this.switched && stepIns > STEP_IN_FREE + limits.maxStepIns * (analysed + stepIns))
      throw new TrialFailed('silent', `the running model had to step in for ${stepIns} frames`);
  }

  protected decide(byCandidate: boolean): void {
    for (const service of this.parts.services) service.decide(byCandidate);
  }

  protected async adoptModel(): Promise<void> {
    const { services, changed, models, adopted } = this.parts;
    await adoptEverywhere(services, changed, models);
    this.adopted = true;
    await adopted(changed);
  }

  protected override cleanUp(): void {
    const { doors, roster, log } = this.parts;
    if (this.encoders !== null) {
      const { own, candidate } = this.encoders;
      const [stays, goes] = this.adopted ? [candidate, own] : [own, candidate];
      if (this.switched) doors.admitEncoder(stays);
      if (goes.space !== stays.space) {
        doors.dismissEncoder(goes.space);
        if (roster.gallery.space === stays.space) roster.dismiss(goes.space);
      }
    }
    if (this.switched && !this.adopted)
      log.warn('back to what ran before', { channel: this.release.channel, longestGapMs: this.takeLongestGap() });
  }

  private takeLongestGap(): number {
    return Math.round(Math.max(...this.parts.services.map((service) => service.takeLongestGap())));
  }
}

/** Looser than any door: what both models see is compared, not how strict a door is. */
const FMR = 1e-4;

/**
 * What a door would make of one frame: no face, a refused face, an unknown person, or a member. For comparing two
 * models on one frame, without rules, votes or cards.
 */
function faceOutcome(
  observation: Observation,
  roster: Pick<Roster, 'galleryOf'>,
  table: readonly ThresholdRow[],
): string {
  const { subject, space } = observation;
  if (subject === null) return 'nobody';
  if (subject.embedding === null || subject.fused === null) return 'refused';
  const gallery = roster.galleryOf(space);
  const nearest = gallery?.search({ space, vector: subject.fused }, 1)[0];
  return nearest !== undefined && nearest.distance <= distanceFor(table, FMR) ? `member ${nearest.member}` : 'unknown';
}
