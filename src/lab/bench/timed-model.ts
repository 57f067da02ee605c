import type { ExecutionProvider, Model, Tensors } from '../../inference/model';

/** A network that measures its bare run, to find the cost of our own code around it. */
export class TimedModel implements Model {
  /** Since the last `reset`. */
  elapsedMs = 0;
  /** Shape of the last input. */
  inputDims: readonly number[] = [];

  constructor(
    private readonly model: Model,
    private readonly now: () => number = () => performance.now(),
  ) {}

  get inputs(): readonly string[] {
    return this.model.inputs;
  }

  get outputs(): readonly string[] {
    return this.model.outputs;
  }

  get provider(): ExecutionProvider {
    return this.model.provider;
  }

  reset(): void {
    this.elapsedMs = 0;
  }

  async run(inputs: Tensors): Promise<Tensors> {
    const [first] = Object.values(inputs);
    if (first !== undefined) this.inputDims = first.dims;
    const startedAt = this.now();
    try {
      return await this.model.run(inputs);
    } finally {
      this.elapsedMs += this.now() - startedAt;
    }
  }

  dispose(): Promise<void> {
    return this.model.dispose();
  }
}
