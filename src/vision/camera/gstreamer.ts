import { UsherError } from '../../errors';
import { type CameraConfig, type CameraSourceConfig } from '../../config/schema/cameras';
import { type FrameProgram } from './frame-process';

type GStreamerConfig = Extract<CameraSourceConfig, { type: 'gstreamer' }>;

/**
 * A CSI camera on a Jetson: its raw Bayer data reaches userland only through the ISP, that is through NVIDIA's
 * `nvarguscamerasrc`. Not run on such a board yet; the part behind the camera element is tested with `videotestsrc`.
 */
export function gstreamerProgram(camera: CameraConfig, source: GStreamerConfig): FrameProgram {
  return {
    name: `CSI camera ${source.sensorId}`,
    live: true,
    command: 'gst-launch-1.0',
    args: gstreamerArguments(camera, csiCamera(camera, source)),
    // Argus reports its doings on standard output ("GST_ARGUS: …"), in the midst of the frames.
    framesFd: 3,
    width: camera.width,
    height: camera.height,
    container: 'raw',
    // A camera on the board itself, behind a queue of one: what could be held up is a frame or two.
    times: 'arrival',
    fps: camera.fps,
    latencyMs: camera.latencyMs,
    debianPackage: 'gstreamer1.0-tools gstreamer1.0-plugins-base',
    remedy: 'Check the ribbon cable and sensor-id, and that nvargus-daemon runs: systemctl restart nvargus-daemon',
  };
}

/**
 * The ISP scales to the requested size; nvvidconv copies from device memory and outputs RGBA, its nearest format to
 * RGB.
 */
function csiCamera({ width, height }: CameraConfig, { sensorId }: GStreamerConfig): string[] {
  return [
    ...['nvarguscamerasrc', `sensor-id=${sensorId}`],
    ...['!', `video/x-raw(memory:NVMM),format=NV12,width=${width},height=${height}`],
    ...['!', 'nvvidconv', '!', 'video/x-raw,format=RGBA'],
  ];
}

/**
 * The argument array of gst-launch-1.0: `camera` (elements that give raw video), thinned out to fps, as packed RGB to fd 3.
 *
 * @throws UsherError `config-invalid` where the width is not a multiple of 4: GStreamer pads rows of RGB to 4 bytes.
 */
export function gstreamerArguments({ id, width, height, fps }: CameraConfig, camera: readonly string[]): string[] {
  if (width % 4 !== 0)
    throw new UsherError('config-invalid', `camera ${id}: width ${width} is not a multiple of 4`, {
      remedy: `Use ${width - (width % 4)} or ${width - (width % 4) + 4}; GStreamer pads the rows otherwise.`,
    });
  const rate = `${Math.round(fps * 1000)}/1000`;
  return [
    ...['--quiet', ...camera],
    // The newest frame wins here too: a slow reader must not make the pipeline queue.
    ...['!', 'queue', 'max-size-buffers=1', 'leaky=downstream'],
    ...['!', 'videorate', 'drop-only=true', '!', `video/x-raw,framerate=${rate}`],
    ...['!', 'videoconvert', '!', `video/x-raw,format=RGB,width=${width},height=${height}`],
    ...['!', 'fdsink', 'fd=3', 'sync=false'],
  ];
}
