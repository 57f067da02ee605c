import type { LoadedConfig } from '../config/load/load';
import { UsherError } from '../errors';
import { suspect } from '../vision/watch/judge';
import { referenceOf, writeReference } from '../vision/watch/reference';
import { describeTrouble } from '../vision/watch/trouble-text';
import { lookAtCamera } from './camera-picture';

/**
 * Stores the present view of each camera, as coarse edges and sharpness, to compare with later.
 * @param each called with each camera and the file that was written
 * @throws UsherError `camera-failed` for a camera without detail in its picture; also what the source and the file
 * system throw
 */
export async function takeReferences(
  { config, dataDir }: LoadedConfig,
  each: (camera: string, file: string) => void,
): Promise<void> {
  for (const camera of config.cameras) {
    const { measures } = await lookAtCamera(camera);
    const last = measures.at(-1);
    const suspicion = last === undefined ? null : suspect(last, null);
    if (last === undefined || suspicion !== null)
      throw new UsherError(
        'camera-failed',
        `camera ${camera.id}: ${suspicion === null ? 'no frame' : describeTrouble({ ...suspicion, since: Date.now() }).found}`,
        { remedy: 'Take the reference when the camera shows the right view in ordinary light.' },
      );
    each(camera.id, writeReference(dataDir, camera.id, referenceOf(measures, Date.now())));
  }
}
