import { type CameraConfig, type CameraSourceConfig } from '../../config/schema/cameras';
import { isUpright } from '../picture/turn';
import { ffmpegProgram } from './ffmpeg';
import { FolderSource } from './folder';
import { FrameProcess } from './frame-process';
import { gstreamerProgram } from './gstreamer';
import { type CameraLog, type CameraSource } from './source';
import { TurnedSource } from './turned';
import { WebcamStills } from './webcam-stills';

/**
 * The source that the configuration names. Starts nothing yet.
 *
 * @throws UsherError `config-invalid` for an address or size that this kind of source cannot take.
 */
export function createCameraSource(camera: CameraConfig, log: CameraLog): CameraSource {
  const { source } = camera;
  // ffmpeg turns pictures by itself.
  if (source.type === 'ffmpeg') return new FrameProcess(ffmpegProgram(camera, source));
  const made = sourceOf(camera, source, log);
  return isUpright(camera) ? made : new TurnedSource(made, camera);
}

function sourceOf(
  camera: CameraConfig,
  source: Exclude<CameraSourceConfig, { type: 'ffmpeg' }>,
  log: CameraLog,
): CameraSource {
  const { width, height, fps, latencyMs } = camera;
  switch (source.type) {
    case 'gstreamer':
      return new FrameProcess(gstreamerProgram(camera, source));
    case 'webcam-stills':
      return new WebcamStills({ device: source.device, intervalMs: source.intervalMs, width, height, latencyMs });
    case 'folder':
      return new FolderSource({ path: source.path, loop: source.loop, fps, latencyMs }, log);
  }
}
