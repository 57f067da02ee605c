/** A camera's or a microphone's service: its process takes other models over while it runs. */
interface Adopting<M> {
  /** @throws UsherError `model-invalid`: it goes on with what it had; `cancelled` */
  adopt(models: M): Promise<unknown>;
}

/**
 * Every camera or microphone takes these models over, or none keeps them.
 * @param before what they go back to
 * @throws UsherError `model-invalid`, `cancelled`: of the first one that did not
 */
export async function adoptEverywhere<M>(services: readonly Adopting<M>[], changed: M, before: M): Promise<void> {
  const done: Adopting<M>[] = [];
  try {
    for (const service of services) {
      await service.adopt(changed);
      done.push(service);
    }
  } catch (error) {
    for (const service of done) await service.adopt(before);
    throw error;
  }
}
