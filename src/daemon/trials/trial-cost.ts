import { TrialFailed } from '../../fleet/update/trial';
import type { TrialFigures } from './trial-figures';
import type { TrialLimits } from './trial-limits';
import { readFileSync } from 'node:fs';

const percent = (share: number): string => `${Math.round(share * 100)} %`;

/**
 * @param switched the candidate already decides
 * @param textOf makes the message from that share, in per cent; `unsure`: a busy machine may be the cause
 * @throws TrialFailed `wrong-answers` in the test, `drift` on probation
 */
export function requireAgreement(
  share: number,
  { minAgreement }: TrialLimits,
  switched: boolean,
  textOf: (share: string) => { readonly detail: string; readonly unsure?: boolean },
): void {
  if (share >= minAgreement) return;
  const { detail, unsure } = textOf(percent(share));
  const reason = switched ? 'drift' : 'wrong-answers';
  throw new TrialFailed(reason, `${detail}, ${percent(minAgreement)} required`, unsure);
}

/** With fewer frames the candidate's latency is unknown. */
const FRAMES = 10;

/**
 * Checks a candidate's latency at a camera against the running model's.
 * @param unsure a busy machine may be the cause, and the candidate does not decide yet
 * @throws TrialFailed `slow`
 */
export function requireQuick(figures: TrialFigures, { latencyMs, latencyRatio }: TrialLimits, unsure: boolean): void {
  const [own, candidate] = [figures.p95('own'), figures.p95('candidate')];
  if (own === null || candidate === null || figures.analysed < FRAMES) return;
  if (candidate <= Math.max(latencyMs, own * latencyRatio)) return;
  throw new TrialFailed(
    'slow',
    `${Math.round(candidate)} ms from frame to answer at the 95th percentile, ${Math.round(own)} ms with the running model`,
    unsure,
  );
}

/**
 * @param candidateMiB memory of its process; null if it does not run
 * @param runningPid of the process of the running model
 * @throws TrialFailed `memory`
 */
export function requireSmall(candidateMiB: number | null, runningPid: number | null, { memoryMiB }: TrialLimits): void {
  const running = residentMiB(runningPid ?? -1);
  if (candidateMiB === null || running === null || candidateMiB <= running + memoryMiB) return;
  throw new TrialFailed(
    'memory',
    `${Math.round(candidateMiB)} MiB are resident, ${Math.round(running)} MiB with the running model`,
  );
}

/** Resident memory of a process in MiB; null if unknown: the process is gone, or the system is not Linux. */
export function residentMiB(pid: number): number | null {
  try {
    const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return kib === undefined ? null : Number(kib) / 1024;
  } catch {
    return null;
  }
}
