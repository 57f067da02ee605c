import { readBundle } from '../inference/bundle';
import { type ReleaseDocument, refuse } from './release';

/**
 * Looks at every byte of a release in its slot once more: after a power cut the folder is there, and what was written last need not be.
 * @throws ReleaseRefused
 */
export async function checkStaged(release: ReleaseDocument, dir: string): Promise<void> {
  if (release.kind !== 'bundle') return;
  try {
    const { card } = await readBundle(dir);
    const { model } = release;
    if (model?.name !== card.name || model.version !== card.version)
      refuse('card-differs', `${card.name} ${card.version} where ${model?.name ?? 'no model'} was released`);
  } catch (error) {
    refuse('file-digest', 'the bundle in its slot', error);
  }
}
