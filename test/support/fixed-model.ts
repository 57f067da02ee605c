import type { Model, Tensors } from '../../src/inference/model';
import type { RunningModel } from '../../src/events';

/** A network that answers what it is told and remembers what it was asked: for tests of pre- and postprocessing alone. */
export class FixedModel implements Model {
  readonly inputs = ['image'];
  readonly outputs: readonly string[];
  readonly provider = 'cpu';
  readonly asked: { data: Float32Array; dims: readonly number[] }[] = [];
  disposed = false;

  constructor(private readonly answer: (dims: readonly number[]) => Tensors) {
    this.outputs = [];
  }

  run(inputs: Tensors): Promise<Tensors> {
    const image = inputs['image']!;
    this.asked.push({ data: Float32Array.from(image.data as Float32Array), dims: image.dims });
    return Promise.resolve(this.answer(image.dims));
  }

  dispose(): Promise<void> {
    this.disposed = true;
    return Promise.resolve();
  }
}

export const RUNNING: RunningModel = {
  task: 'test',
  name: 'fixed',
  version: '1.0.0',
  sha256: '',
  providersAsked: ['cpu'],
  provider: 'cpu',
};
