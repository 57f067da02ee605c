import fc from 'fast-check';
import { secrets as met } from '../../../src/secrets';
import { addresses, holdsSecret } from '../../support/addresses';
import { outputsFor } from './outputs';

export interface SecretsReport {
  readonly tried: number;
  readonly texts: number;
  /** Never with the secret itself. */
  readonly faults: readonly string[];
}

const MAX_FAULTS = 20;

/** Generated addresses, and no part of their credentials in any text that leaves the process. */
export function tryAddresses(
  count: number,
  seed: number,
  progress: (done: number) => void = () => undefined,
): SecretsReport {
  const faults: string[] = [];
  let texts = 0;
  let tried = 0;
  const check = ({ address, secrets }: { readonly address: string; readonly secrets: readonly string[] }): void => {
    met.forget();
    for (const [where, text] of outputsFor(address)) {
      texts++;
      for (const secret of secrets) {
        const form = holdsSecret(text, secret);
        if (form !== null && faults.length < MAX_FAULTS)
          faults.push(`${where}: address ${tried} of seed ${seed} (${secret.length} characters) is shown`);
      }
    }
    if (++tried % 5000 === 0) progress(tried);
  };
  // One sample after the other: a property would keep all of them.
  for (let at = 0; at < count; at += 1000)
    fc.sample(addresses(), { numRuns: Math.min(1000, count - at), seed: seed + at }).forEach(check);
  met.forget();
  return { tried, texts, faults };
}
