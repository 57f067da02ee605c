import { filter, lastValueFrom, map, type Observable, scan, takeUntil, takeWhile, timer, defaultIfEmpty } from 'rxjs';
import type { EnrolmentPicture } from '../../access/members/enrolment';
import { UsherError } from '../../errors';
import type { QualityRefusal } from '../../events';
import { latestMap } from '../../rx/latest';
import type { LiveAnalysis } from '../../vision/faces/analyser';
import type { LentFrame } from '../../vision/camera/source';
import { describeGate } from './enrol-report';

export interface CaptureOptions {
  /** Number of good frames to collect. */
  readonly wanted: number;
  readonly deadlineMs: number;
  /** Minimum time between two frames that are kept: five frames of one instant are worth one template. */
  readonly gapMs: number;
  /** Called with a new instruction for the person in front of the camera, and for each frame that is kept. */
  readonly hint: (text: string) => void;
  /** Why there are no frames, if the camera knows; else null. */
  readonly fault: () => string | null;
}

/**
 * Collects good frames of the one person in front of a camera.
 * @throws UsherError `face-unsuitable` if too few came before the deadline, `camera-failed` if no frame came
 */
export async function captureFaces(
  frames: Observable<LentFrame>,
  analyse: (frame: LentFrame) => Promise<LiveAnalysis>,
  { wanted, deadlineMs, gapMs, hint, fault }: CaptureOptions,
): Promise<EnrolmentPicture[]> {
  let seen = 0;
  let lastKeptAt = -Infinity;
  let lastHint = '';
  let lastProblem = '';
  const tell = (text: string): void => {
    if (text !== lastHint) hint(text);
    lastHint = text;
  };

  const look = async (frame: LentFrame): Promise<EnrolmentPicture | null> => {
    seen += 1;
    // Pictures of a backlog show an earlier person, and several pictures of one instant are worth one.
    if (frame.mono === -Infinity || frame.mono - lastKeptAt < gapMs) return null;
    const analysis = await analyse(frame);
    const problem = problemOf(analysis);
    if (problem !== null || analysis.subject === null) {
      lastProblem = problem ?? 'no person is in view';
      tell(lastProblem);
      return null;
    }
    lastKeptAt = frame.mono;
    return { name: `frame ${frame.seq}`, faces: [analysis.subject] };
  };

  const kept = await lastValueFrom(
    frames.pipe(
      latestMap(
        (frame) => look(frame).finally(() => frame.release()),
        (dropped) => dropped.release(),
      ),
      filter((picture) => picture !== null),
      scan<EnrolmentPicture, EnrolmentPicture[]>((all, picture) => [...all, picture], []),
      map((all) => {
        tell(`${all.length} of ${wanted} frames`);
        return all;
      }),
      takeWhile((all) => all.length < wanted, true),
      takeUntil(timer(deadlineMs)),
      defaultIfEmpty<EnrolmentPicture[], EnrolmentPicture[]>([]),
    ),
  );
  if (kept.length >= wanted) return kept;
  if (seen === 0)
    throw new UsherError('camera-failed', `the camera gave no picture${fault() === null ? '' : `: ${fault()}`}`, {
      remedy: 'Check the camera and its entry in the configuration.',
    });
  throw new UsherError(
    'face-unsuitable',
    `only ${kept.length} of ${wanted} good frames were taken${lastProblem === '' ? '' : `; ${lastProblem}`}`,
    { remedy: 'Stand alone in front of the camera, well lit, look into it and hold still; or enrol from photos.' },
  );
}

function problemOf({ faces, subject }: LiveAnalysis): string | null {
  if (subject === null) return 'no person is in view';
  if (faces > 1) return 'several people are in view; one at a time';
  const gate: QualityRefusal | 'not-encoded' | null =
    subject.refusal ?? (subject.embedding === null ? 'not-encoded' : null);
  return gate === null ? null : describeGate(gate);
}
