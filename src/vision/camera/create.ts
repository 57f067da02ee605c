import { type CameraConfig } from '../../config/schema';
import { ffmpegProgram } from './ffmpeg';
import { FolderSource } from './folder';
import { FrameProcess } from './frame-process';
import { gstreamerProgram } from './gstreamer';
import { type CameraLog, type CameraSource } from './source';
import { WebcamStills } from './webcam-stills';

/**
 * The source that the configuration names. Starts nothing yet.
 *
 * @throws UsherError `config-invalid` for an address or size that this kind of source cannot take.
 */
export function createCameraSource(camera: CameraConfig, log: CameraLog): CameraSource {
  const { source, width, height, fps } = camera;
  switch (source.type) {
    case 'ffmpeg':
      return new FrameProcess(ffmpegProgram(camera, source));
    case 'gstreamer':
      return new FrameProcess(gstreamerProgram(camera, source));
    case 'webcam-stills':
      return new WebcamStills({ device: source.device, intervalMs: source.intervalMs, width, height });
    case 'folder':
      return new FolderSource({ path: source.path, loop: source.loop, fps }, log);
  }
}
