/** Of Kingma & Ba, "Adam: a method for stochastic optimization" (2015): their values, and TensorFlow's ε. */
const FIRST_DECAY = 0.9;
const SECOND_DECAY = 0.999;
const EPSILON = 1e-7;

/** Adam on values that stay within 0..1. */
export class Adam {
  private readonly first: Float32Array;
  private readonly second: Float32Array;
  private steps = 0;

  constructor(
    private readonly values: Float32Array,
    private readonly rate: number,
  ) {
    this.first = new Float32Array(values.length);
    this.second = new Float32Array(values.length);
  }

  /** One step against the gradient, in place. */
  step(gradient: Float32Array): void {
    const { values, first, second } = this;
    this.steps++;
    const firstGain = 1 / (1 - FIRST_DECAY ** this.steps);
    const secondGain = 1 / (1 - SECOND_DECAY ** this.steps);
    for (let i = 0; i < values.length; i++) {
      const slope = gradient[i] as number;
      const mean = FIRST_DECAY * (first[i] as number) + (1 - FIRST_DECAY) * slope;
      const square = SECOND_DECAY * (second[i] as number) + (1 - SECOND_DECAY) * slope * slope;
      first[i] = mean;
      second[i] = square;
      const value = (values[i] as number) - (this.rate * firstGain * mean) / (Math.sqrt(secondGain * square) + EPSILON);
      values[i] = value < 0 ? 0 : value > 1 ? 1 : value;
    }
  }
}
