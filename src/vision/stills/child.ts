import { createHash } from 'node:crypto';
import { setPriority } from 'node:os';
import { messageOf } from '../../errors';
import { serveParent } from '../../system/child-service';
import type { Frame } from '../picture/frame';
import { encodeJpeg } from '../picture/picture';
import { StillReceiver } from './hand-over';
import { STILLS_QUEUE, STILLS_STATUS_MS, type StillsJob, type StillsReport } from './job';
import { makeStill, openStillAnalyser } from './make';
import { StillPainter } from './painter';
import { addStill, type StillEvent, stillName } from './still-folder';

/** Whatever the doors and cameras need goes first. Not the last of all: on a box that is busy for ever that would be never. */
const LOW_PRIORITY = 10;

/**
 * The process that paints: takes pictures of decisions from the vision children, one after the other, writes each with its faces
 * painted over, and never the picture itself. It knows no camera and no member.
 */
async function paintStills(job: StillsJob, send: (report: StillsReport) => void): Promise<() => void> {
  const { analyser, loosest } = await openStillAnalyser(job.modelsDir, job.models, job.execution);
  const painter = await StillPainter.open(job.modelsDir);
  const queue: { readonly frame: Frame; readonly event: StillEvent }[] = [];
  let working = false;

  const keep = async (frame: Frame, event: StillEvent): Promise<void> => {
    const { decision } = event;
    try {
      const { still, faces } = await makeStill(analyser, painter, frame, loosest, {
        side: job.sidePx,
        steps: job.steps,
        // Between two steps the process handles messages.
        onStep: () => new Promise((resolve) => setImmediate(resolve)),
      });
      const bytes = await encodeJpeg(still);
      const file = stillName(event);
      const removed = await addStill(job.folder, file, bytes, job.limits);
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      send({ kind: 'kept', decision, file, faces, removed, sha256 });
    } catch (error) {
      send({ kind: 'refused', decision, why: messageOf(error) });
    }
  };
  const work = async (): Promise<void> => {
    if (working) return;
    working = true;
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) await keep(next.frame, next.event);
    working = false;
  };

  const receiver = new StillReceiver(
    (frame, event) => {
      const { decision } = event;
      if (queue.length >= STILLS_QUEUE) {
        send({ kind: 'refused', decision, why: `${STILLS_QUEUE} pictures already wait to be painted` });
        return;
      }
      queue.push({ frame, event });
      send({ kind: 'received', decision });
      void work();
    },
    // Of which decision it was is not known; control misses the answer.
    () => undefined,
  );
  await receiver.listen(job.socket);
  setPriority(LOW_PRIORITY);
  const life = setInterval(() => send({ kind: 'status' }), STILLS_STATUS_MS);
  send({ kind: 'ready' });
  return () => {
    clearInterval(life);
    receiver.close();
    queue.length = 0;
  };
}

serveParent<StillsJob, StillsReport>(paintStills);
