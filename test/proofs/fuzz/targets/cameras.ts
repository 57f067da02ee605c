import { FrameAssembler } from '../../../../src/vision/camera/assembler';
import { createFrameClock } from '../../../../src/vision/camera/frame-clock';
import { LateWatch } from '../../../../src/vision/camera/late-watch';
import type { Target } from '../target';

const [width, height] = [8, 6];
const packet = (startcode: string, body: readonly number[]): Buffer =>
  Buffer.concat([Buffer.from(startcode, 'hex'), Buffer.from([body.length + 4, ...body, 0, 0, 0, 0])]);

/** As ffmpeg 5.1 writes it: main header, stream header, and frames with a syncpoint before them. */
function stream(frames: number): Buffer {
  const main = packet('4e4d7a561f5f04ad', [
    ...Buffer.from(
      '030181ff7f01018768c0000600000000000001a0000201012801002900' + '2101ff7f2002ff7f8179c000060000000000000106',
      'hex',
    ),
  ]);
  const head = packet('4e5311405bf2f9db', [
    0,
    0,
    4,
    0x52,
    0x47,
    0x42,
    0x18,
    0,
    14,
    0x87,
    0x68,
    0,
    0,
    0,
    width,
    height,
    1,
    1,
    0,
  ]);
  const body = Array.from({ length: frames }, (_, i) => [
    packet('4e4be4adeeca4569', [i * 10, 0]),
    // A frame whose head says all: flags, time, size.
    Buffer.from([1, 40, i * 10, 0x81, 0x10]),
    Buffer.alloc(width * height * 3, i),
  ]);
  return Buffer.concat([Buffer.from('nut/multimedia container\0'), main, head, ...body.flat()]);
}

const nut = (): Target => ({
  name: 'camera-nut',
  form: 'bytes',
  seeds: () => [stream(1), stream(5)],
  feed: (input) => {
    let now = 0;
    const clock = createFrameClock({ times: 'stream', fps: 10, latencyMs: 0 });
    const assembler = new FrameAssembler(
      { width, height, container: 'nut' },
      { clock, late: new LateWatch('fuzz', 0), now: () => (now += 10) },
    );
    for (let at = 0; at < input.length; at += 97)
      assembler.push(input.subarray(at, at + 97), ({ data, mono }) => {
        if (data.length !== width * height * 3) throw new Error('a frame of another size');
        if (mono > now) throw new Error('a frame from the future');
      });
  },
});

export const CAMERAS = [nut];
