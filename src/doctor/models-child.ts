/**
 * Loads the models as a vision child does and reports the execution provider. In a process of its own: a native library
 * that crashes ends only this process.
 */
import { messageOf, UsherError } from '../errors';
import type { RunningModel } from '../events';
import { loadAnalyser, type LoadOptions } from '../vision/faces/load';

export type ModelsAnswer =
  | { readonly ok: true; readonly models: readonly RunningModel[]; readonly loadMs: number }
  | { readonly ok: false; readonly message: string; readonly remedy: string | null };

process.once('message', (options) => {
  const begun = performance.now();
  const answer = (said: ModelsAnswer): void => void process.send?.(said, () => process.disconnect());
  loadAnalyser(options as LoadOptions).then(
    ({ running }) => answer({ ok: true, models: running, loadMs: performance.now() - begun }),
    (error: unknown) =>
      answer({
        ok: false,
        message: messageOf(error),
        remedy: error instanceof UsherError ? (error.remedy ?? null) : null,
      }),
  );
});
