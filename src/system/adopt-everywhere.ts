/** Service of a camera or microphone whose process can change models while it runs. */
interface Adopting<M> {
  /** @throws UsherError `model-invalid` (it keeps the models that it has), `cancelled` */
  adopt(models: M): Promise<unknown>;
}

/**
 * Changes the models of all cameras or microphones, or of none.
 * @param before the models to return to if one fails
 * @throws UsherError `model-invalid`, `cancelled`: the first failure
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
