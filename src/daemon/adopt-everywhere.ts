import type { VisionJob } from '../vision/job';
import type { VisionService } from './vision-service';

type Models = Partial<VisionJob['models']>;

/**
 * Every camera takes these models over, or none keeps them.
 * @param before what they go back to
 * @throws UsherError `model-invalid`, `cancelled`: of the first camera that did not
 */
export async function adoptEverywhere(
  services: readonly VisionService[],
  changed: Models,
  before: Models,
): Promise<void> {
  const done: VisionService[] = [];
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
