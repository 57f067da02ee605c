import type { CameraConfig } from './schema';

/** Time between two frames as the configuration asks for them, ms. */
export function frameIntervalMs({ source, fps }: Pick<CameraConfig, 'source' | 'fps'>): number {
  return source.type === 'webcam-stills' ? source.intervalMs : 1000 / fps;
}
