import type { LoadedConfig } from '../config/load/load';
import { UsherError } from '../errors';
import { suspect } from '../vision/watch/judge';
import { referenceOf, writeReference } from '../vision/watch/reference';
import { describeTrouble } from '../vision/watch/trouble-text';
import { lookAtCamera } from './camera-picture';

/**
 * Keeps what each camera sees now, as coarse edges and sharpness, to compare with later.
 * @param each is given each camera with the file that was written
 * @throws UsherError `camera-failed` for a camera that shows nothing; as the source and the file do
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
        { remedy: 'Take the reference when the camera shows the place as it should, in ordinary light.' },
      );
    each(camera.id, await writeReference(dataDir, camera.id, referenceOf(measures, Date.now())));
  }
}
