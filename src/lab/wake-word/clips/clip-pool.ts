import path from 'node:path';
import { Worker } from 'node:worker_threads';
import { UsherError } from '../../../errors';
import { packageRoot } from '../../../system/paths';
import { ClipMaker } from './clip-maker';
import type {
  ClipMaterials,
  ClipRequest,
  ClipSource,
  FramedClip,
  FramedStretch,
  StreamFacts,
  StreamRequest,
  TrialRequest,
} from './framed-clip';

type Job =
  | { readonly kind: 'clip'; readonly request: ClipRequest }
  | { readonly kind: 'trial'; readonly request: TrialRequest }
  | { readonly kind: 'stream'; readonly request: StreamRequest };

export interface WorkerJob {
  readonly id: number;
  readonly job: Job;
}

export type WorkerAnswer =
  | { readonly id: number; readonly kind: 'clip'; readonly clip: FramedClip }
  | { readonly id: number; readonly kind: 'stretch'; readonly stretch: FramedStretch }
  | { readonly id: number; readonly kind: 'end' }
  | { readonly id: number; readonly kind: 'failed'; readonly message: string };

interface Waiting {
  readonly worker: number;
  readonly onStretch: (stretch: FramedStretch) => void;
  readonly settle: (clip: FramedClip) => void;
  readonly fail: (error: Error) => void;
}

const NOTHING: FramedClip = { features: new Float32Array(0), ends: [] };

/**
 * Mixes clips in worker threads while the trainer computes. Threads always run from `dist`, also under test. The materials lie in shared memory: a thread costs no copy of them.
 */
export class ClipPool implements ClipSource {
  private readonly workers: Worker[];
  private readonly load: number[];
  private readonly waiting = new Map<number, Waiting>();
  private nextId = 0;

  constructor(
    private readonly materials: ClipMaterials,
    threads: number,
    file = path.join(packageRoot(), 'dist', 'lab', 'wake-word', 'clips', 'clip-worker.js'),
  ) {
    this.load = Array.from({ length: threads }, () => 0);
    this.workers = this.load.map((_, index) => this.start(file, index));
  }

  clip(request: ClipRequest): Promise<FramedClip> {
    return this.post({ kind: 'clip', request });
  }

  trial(request: TrialRequest): Promise<FramedClip> {
    return this.post({ kind: 'trial', request });
  }

  streams(request: Omit<StreamRequest, 'index'>): Promise<readonly StreamFacts[]> {
    return Promise.resolve(new ClipMaker(this.materials).streams(request));
  }

  async stream(request: StreamRequest, onStretch: (stretch: FramedStretch) => void): Promise<void> {
    await this.post({ kind: 'stream', request }, onStretch);
  }

  async close(): Promise<void> {
    await Promise.all(this.workers.map((worker) => worker.terminate()));
  }

  private start(file: string, index: number): Worker {
    const worker = new Worker(file, { workerData: this.materials });
    worker.on('message', (answer: WorkerAnswer) => this.receive(answer));
    worker.on('error', (error) => this.lose(index, error instanceof Error ? error : new Error(String(error))));
    worker.on('exit', () => this.lose(index, new Error('the thread ended')));
    return worker;
  }

  private post(job: Job, onStretch: Waiting['onStretch'] = () => undefined): Promise<FramedClip> {
    const id = this.nextId++;
    const worker = this.load.indexOf(Math.min(...this.load));
    this.load[worker] = (this.load[worker] ?? 0) + 1;
    return new Promise((settle, fail) => {
      this.waiting.set(id, { worker, onStretch, settle, fail });
      this.workers[worker]?.postMessage({ id, job } satisfies WorkerJob);
    });
  }

  private receive(answer: WorkerAnswer): void {
    const waiting = this.waiting.get(answer.id);
    if (waiting === undefined) return;
    if (answer.kind === 'stretch') return waiting.onStretch(answer.stretch);
    this.waiting.delete(answer.id);
    this.load[waiting.worker] = (this.load[waiting.worker] ?? 1) - 1;
    if (answer.kind === 'failed')
      waiting.fail(new UsherError('data-invalid', `a clip cannot be mixed: ${answer.message}`));
    else waiting.settle(answer.kind === 'clip' ? answer.clip : NOTHING);
  }

  /** A thread that dies takes its jobs with it; the checkpoint is whole, and a resumed training makes the same clips again. */
  private lose(index: number, cause: Error): void {
    for (const [id, waiting] of this.waiting)
      if (waiting.worker === index) {
        this.waiting.delete(id);
        waiting.fail(
          new UsherError('data-invalid', `a thread that mixes clips died: ${cause.message}`, {
            cause,
            remedy: 'Check free memory, then go on with --resume.',
          }),
        );
      }
  }
}
