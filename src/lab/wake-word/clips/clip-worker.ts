import { parentPort, workerData } from 'node:worker_threads';
import { messageOf } from '../../../errors';
import { ClipMaker } from './clip-maker';
import type { WorkerAnswer, WorkerJob } from './clip-pool';
import type { ClipMaterials } from './framed-clip';

/** A thread that mixes clips for the trainer, one job after the other. */
const port = parentPort;
if (port !== null) {
  const maker = new ClipMaker(workerData as ClipMaterials);
  const send = (answer: WorkerAnswer, ...arrays: Float32Array[]): void =>
    port.postMessage(
      answer,
      arrays.map(({ buffer }) => buffer as ArrayBuffer),
    );
  const work = ({ id, job }: WorkerJob): void => {
    if (job.kind === 'stream') {
      for (const stretch of maker.stream(job.request))
        send({ id, kind: 'stretch', stretch }, stretch.features, stretch.samples);
      send({ id, kind: 'end' });
      return;
    }
    const clip = job.kind === 'clip' ? maker.clip(job.request) : maker.trial(job.request);
    send({ id, kind: 'clip', clip }, clip.features);
  };
  port.on('message', (job: WorkerJob) => {
    try {
      work(job);
    } catch (error) {
      send({ id: job.id, kind: 'failed', message: messageOf(error) });
    }
  });
}
