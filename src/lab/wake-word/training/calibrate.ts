import { differentiate, type Engine, type LabelledBatch, NORM_EPSILON } from '../network/network';
import type { Moments, Network, Parameter } from '../network/parameters';

/**
 * Gives the batch normalisations of an imported network the statistics of real sound without changing what it computes: whatever a
 * batch's mean and variance take away, γ and β give back. In place. Layer by layer, since the second sees what the first lets through.
 */
export function calibrate(engine: Engine, network: Network, batch: LabelledBatch): void {
  const { parameters } = network;
  for (const norm of ['norm1', 'norm2'] as const) {
    const measured = differentiate(engine, network, batch, 0, { dropout: 0 })[norm];
    restore(network[norm], measured, parameters[`${norm}.gamma`], parameters[`${norm}.beta`]);
  }
}

/** y = γ (x − μ) / √(σ² + ε) + β for other μ and σ². */
function restore(running: Moments, { mean, variance }: Moments, gamma: Parameter, beta: Parameter): void {
  for (let i = 0; i < mean.length; i++) {
    const gain = (gamma.data[i] as number) / Math.sqrt((running.variance[i] as number) + NORM_EPSILON);
    beta.data[i] = (beta.data[i] as number) + gain * ((mean[i] as number) - (running.mean[i] as number));
    gamma.data[i] = gain * Math.sqrt((variance[i] as number) + NORM_EPSILON);
    running.mean[i] = mean[i] as number;
    running.variance[i] = variance[i] as number;
  }
}
