import { type CameraConfig, type CameraSourceConfig } from '../../config/schema/cameras';

type FfmpegConfig = Extract<CameraSourceConfig, { type: 'ffmpeg' }>;

/**
 * ffmpeg filters that make the frame that was agreed of whatever comes: in its true proportions (a stored pixel need not be
 * square, and `force_original_aspect_ratio` does not look at its shape), with black bars where the shape differs, turned upright.
 */
export function pictureFilters(
  { width, height, rotate, flip }: Pick<CameraConfig, 'width' | 'height' | 'rotate' | 'flip'>,
  { aspectRatio }: Pick<FfmpegConfig, 'aspectRatio'>,
): string {
  const fit = (ours: number, other: string): string => `max(1\\,round(min(${ours}\\,${other})))`;
  return [
    ...(aspectRatio === undefined ? [] : [`setdar=${aspectRatio.replace(':', '/')}`]),
    // `dar`: width to height of the picture as people see it.
    `scale=w=${fit(width, `${height}*dar`)}:h=${fit(height, `${width}/dar`)}`,
    `pad=${width}:${height}:-1:-1`,
    'setsar=1',
    ...TURNS[rotate],
    ...FLIPS[flip],
  ].join(',');
}

const TURNS: Readonly<Record<CameraConfig['rotate'], readonly string[]>> = {
  0: [],
  90: ['transpose=clock'],
  180: ['hflip', 'vflip'],
  270: ['transpose=cclock'],
};

const FLIPS: Readonly<Record<CameraConfig['flip'], readonly string[]>> = {
  none: [],
  horizontal: ['hflip'],
  vertical: ['vflip'],
};
