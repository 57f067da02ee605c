import { readEncoderCard } from '../../vision/faces/load';
import type { Roster } from '../../access/members/roster';
import type { ThresholdRow } from '../../access/members/thresholds';
import { type Candidate, type Trial, TrialFailed, TrialPostponed, type TrialReport } from '../../fleet/update/trial';
import type { Log } from '../../system/log';
import type { FaceModels } from '../../vision/job';
import { adoptEverywhere } from '../../system/adopt-everywhere';
import type { Doors, EncoderFacts } from '../doors/doors';
import { faceOutcome } from './face-outcome';
import { percent, requireQuick, requireSmall } from './trial-cost';
import type { TrialLimits } from './trial-limits';
import { TrialFigures } from './trial-figures';
import { pollUntil, abortable } from './abortable';
import type { VisionService } from '../cameras/vision-service';
import { VisionCandidate } from './vision-candidate';

export interface VisionTrialParts {
  readonly services: readonly VisionService[];
  readonly doors: Pick<Doors, 'admitEncoder' | 'dismissEncoder'>;
  readonly roster: Roster;
  readonly modelsDir: string;
  readonly entry: string;
  /** What runs, and what would. */
  readonly models: FaceModels;
  readonly changed: FaceModels;
  /** The new models run: whoever starts a child from now on starts it with them. */
  readonly adopted: (models: FaceModels) => Promise<void>;
  readonly limits: TrialLimits;
  readonly log: Log;
}

/** Frames of the shadow are thinned out to five a second: it must not cost the door anything. */
const SHADOW_INTERVAL_MS = 200;
/** Frames of the candidate without which nothing was tested, and without which it does not count as in service. */
const SHADOW_FRAMES = 10;
const SETTLED_FRAMES = 5;
/** Compared frames that are judged at the end, where no more were to be had. */
const FEWEST_COMPARED = 5;
/** The shadow may take so many times as long where frames are scarce, and so long in any case. */
const SHADOW_PATIENCE = 4;
const SHADOW_PATIENCE_MS = 60_000;
/** Frames that the running model may step in for whatever their share: at first it is one of few. */
const STEP_IN_FREE = 5;

/** A detector or an encoder on trial, at every camera of the box. */
export class VisionTrial implements Trial {
  private readonly candidates: { readonly candidate: VisionCandidate; readonly figures: TrialFigures }[] = [];
  private encoders: { readonly own: EncoderFacts; readonly candidate: EncoderFacts } | null = null;
  private switched = false;
  private adopted = false;

  constructor(
    private readonly candidate: Candidate,
    private readonly parts: VisionTrialParts,
  ) {}

  async test(signal: AbortSignal): Promise<TrialReport> {
    const { services, roster, modelsDir, models, changed, entry, limits, log } = this.parts;
    const own = (await readEncoderCard(modelsDir, models.encoder)).output;
    const candidate = (await readEncoderCard(modelsDir, changed.encoder)).output;
    this.encoders = { own, candidate };
    // The members as the candidate would see them; what decides stays what it was.
    if (candidate.space !== own.space) roster.admit(candidate);
    const tableOf = (by: 'own' | 'candidate'): readonly ThresholdRow[] =>
      by === 'own' ? own.thresholds : candidate.thresholds;
    for (const service of services) {
      const figures = new TrialFigures((observation, by) => faceOutcome(observation, roster, tableOf(by)));
      const candidate = new VisionCandidate({
        ...{ service, entry, startMs: limits.startMs, figures, log },
        // The scene is the running child's to tell; liveness goes with each frame.
        jobOf: (running) => ({ ...running, models: { ...running.models, ...changed, scene: null } }),
      });
      this.candidates.push({ candidate: candidate, figures });
      candidate.start(SHADOW_INTERVAL_MS);
      await abortable([candidate.ready, ...this.failures], signal);
    }
    const startedAt = performance.now();
    const elapsed = (): number => performance.now() - startedAt;
    const seen = (): boolean => this.candidates.every(({ figures }) => figures.analysed >= SHADOW_FRAMES);
    const personSeen = (): boolean => this.candidates.some(({ figures }) => figures.decided >= FEWEST_COMPARED);
    await this.until(signal, () => {
      this.look();
      if (!seen() && elapsed() > Math.max(SHADOW_PATIENCE_MS, limits.shadowMs * SHADOW_PATIENCE))
        throw new TrialFailed('blind', 'too few frames came to test it on', true);
      if (!personSeen() && elapsed() > Math.max(limits.seenMs, limits.shadowMs))
        throw new TrialPostponed('nobody-seen', 'nobody came into view: what it makes of faces is not known yet');
      return elapsed() >= limits.shadowMs && seen() && personSeen();
    });
    return this.report();
  }

  async switch(signal: AbortSignal): Promise<void> {
    const { doors } = this.parts;
    if (this.encoders !== null) doors.admitEncoder(this.encoders.candidate);
    for (const { candidate: candidate, figures } of this.candidates) {
      candidate.hurry();
      figures.forgetLatencies();
      figures.analysed = 0;
      figures.stepIns = 0;
    }
    // It has caught up with the camera before anything rests on it.
    await this.until(signal, () => this.candidates.every(({ figures }) => figures.analysed >= SETTLED_FRAMES));
    this.switched = true;
    for (const service of this.parts.services) {
      service.takeLongestGap();
      service.decide(true);
    }
  }

  async settle(signal: AbortSignal): Promise<void> {
    const before = this.candidates.map(({ figures }) => figures.analysed);
    await this.until(signal, () => {
      this.look();
      return this.candidates.every(({ figures }, at) => figures.analysed >= (before[at] ?? 0) + SETTLED_FRAMES);
    });
  }

  async watch(signal: AbortSignal): Promise<TrialReport> {
    const startedAt = performance.now();
    await this.until(signal, () => {
      this.look();
      return performance.now() - startedAt >= this.parts.limits.probationMs;
    });
    return this.report();
  }

  async adopt(): Promise<void> {
    const { services, changed, models, log } = this.parts;
    try {
      // The candidate's child decides until the own ones have loaded the new models and say so.
      await adoptEverywhere(services, changed, models);
    } catch (error) {
      throw new TrialFailed('start-failed', error instanceof Error ? error.message : String(error));
    }
    this.adopted = true;
    await this.parts.adopted(changed);
    for (const service of services) service.decide(false);
    log.info('took over', {
      channel: this.candidate.channel,
      longestGapMs: Math.round(Math.max(...services.map((service) => service.takeLongestGap()))),
    });
  }

  async end(): Promise<void> {
    const { services, doors, roster, log } = this.parts;
    for (const service of services) service.decide(false);
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
      log.warn('back to what ran before', {
        channel: this.candidate.channel,
        longestGapMs: Math.round(Math.max(...services.map((service) => service.takeLongestGap()))),
      });
    await Promise.all(this.candidates.map(({ candidate: candidate }) => candidate.stop()));
  }

  /** @throws TrialFailed at the first limit that is broken */
  private look(fewest = this.parts.limits.minCompared): void {
    const { services, limits } = this.parts;
    this.candidates.forEach(({ candidate: candidate, figures }, at) => {
      candidate.requireRunning();
      const { agreement, compared, stepIns, analysed } = figures;
      if (agreement !== null && compared >= fewest && agreement < limits.minAgreement)
        throw new TrialFailed(
          this.switched ? 'drift' : 'wrong-answers',
          `${percent(agreement)} of ${compared} frames are decided as the running model does, at least ${percent(limits.minAgreement)} should be`,
        );
      requireQuick(figures, limits, !this.switched);
      requireSmall(candidate.rss(), services[at]?.pid ?? null, limits);
      if (this.switched && stepIns > STEP_IN_FREE + limits.maxStepIns * (analysed + stepIns))
        throw new TrialFailed('silent', `the running model had to step in for ${stepIns} frames`);
    });
  }

  private report(): TrialReport {
    this.look(FEWEST_COMPARED);
    const known = this.candidates.map(({ figures }) => figures.agreement).filter((share) => share !== null);
    return { agreement: known.length === 0 ? null : Math.min(...known) };
  }

  /** Ends at once when a candidate's child does, or the trial is cut off. */
  private until(signal: AbortSignal, holds: () => boolean): Promise<void> {
    return pollUntil(holds, { signal, failed: this.failures });
  }

  private get failures(): Promise<never>[] {
    return this.candidates.map(({ candidate: candidate }) => candidate.failed);
  }
}
