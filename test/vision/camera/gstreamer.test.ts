import { spawnSync } from 'node:child_process';
import { firstValueFrom, toArray } from 'rxjs';
import { CameraConfig } from '../../../src/config/schema/cameras';
import { createCameraSource } from '../../../src/vision/camera/create';
import { FrameProcess } from '../../../src/vision/camera/frame-process';
import { gstreamerArguments, gstreamerProgram } from '../../../src/vision/camera/gstreamer';

const camera = (more: object = {}) =>
  CameraConfig.parse({
    id: 'door',
    width: 64,
    height: 64,
    fps: 7.5,
    source: { type: 'gstreamer', sensorId: 1 },
    ...more,
  });
const program = () => {
  const config = camera();
  if (config.source.type !== 'gstreamer') throw new Error('not a gstreamer source');
  return gstreamerProgram(config, config.source);
};

test('the CSI camera by its sensor id, frames on fd 3', () => {
  const { args, command, framesFd } = program();
  const line = args.join(' ');
  expect(command).toBe('gst-launch-1.0');
  expect(line).toContain(
    'nvarguscamerasrc sensor-id=1 ! video/x-raw(memory:NVMM),format=NV12,width=64,height=64 ! nvvidconv',
  );
  expect(line).toContain('videorate drop-only=true ! video/x-raw,framerate=7500/1000');
  expect(line).toMatch(/format=RGB,width=64,height=64 ! fdsink fd=3 sync=false$/);
  expect(framesFd).toBe(3);
});

test('a width that GStreamer would pad is refused with its neighbours', () => {
  expect(() => createCameraSource(camera({ width: 650 }), { warn: () => undefined })).toThrow(
    /650 is not a multiple of 4/,
  );
});

const hasGStreamer = spawnSync('gst-inspect-1.0', ['videotestsrc']).status === 0;
(hasGStreamer ? test : test.skip)('the part behind the camera, with a test picture in its place', async () => {
  const source = [
    'videotestsrc',
    'num-buffers=30',
    'pattern=red',
    '!',
    'video/x-raw,format=RGBA,width=64,height=64,framerate=15/1',
  ];
  const frames = await firstValueFrom(
    new FrameProcess({ ...program(), args: gstreamerArguments(camera(), source) }).open().pipe(toArray()),
  );
  expect(frames.length).toBeGreaterThan(0);
  expect(frames.length).toBeLessThanOrEqual(16);
  expect(Array.from(frames[0]!.data.subarray(0, 3))).toEqual([255, 0, 0]);
});
