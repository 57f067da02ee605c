import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Frame } from '../../../src/vision/picture/frame';
import { decodeHandOver, encodeHandOver, StillReceiver, StillSender } from '../../../src/vision/stills/hand-over';
import type { StillEvent } from '../../../src/vision/stills/still-folder';
import { until } from '../../support/until';

const event = (decision: string): StillEvent => ({ decision, door: 'front', outcome: 'denied', member: null, at: 1 });
const frame = (level: number) => ({
  width: 300,
  height: 200,
  data: new Uint8Array(180_000).fill(level),
  seq: 1,
  at: 1,
});

let folder: string;
let path: string;
let receiver: StillReceiver;
let got: { frame: Frame; event: StillEvent }[];
let refused: unknown[];
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'hand-over-'));
  path = join(folder, 'pictures');
  got = [];
  refused = [];
  receiver = new StillReceiver(
    (picture, of) => void got.push({ frame: picture, event: of }),
    (error) => void refused.push(error),
  );
  await receiver.listen(path);
});
afterEach(() => {
  receiver.close();
  rmSync(folder, { recursive: true });
});

test('the frame after the decision is handed over once, whole, whatever becomes of its buffer', async () => {
  const sender = new StillSender();
  sender.offer(frame(1), 0);
  sender.want(path, event('a'), 10);
  const shown = frame(2);
  sender.offer(shown, 20);
  shown.data.fill(99);
  sender.offer(frame(3), 30);
  sender.want(path, event('b'), 40);
  sender.offer(frame(4), 50);
  await until('two pictures', () => got.length === 2);
  const byDecision = new Map(got.map((one) => [one.event.decision, one.frame]));
  expect([...byDecision.keys()].sort()).toEqual(['a', 'b']);
  expect(byDecision.get('a')!.data.every((value) => value === 2)).toBe(true);
  expect(byDecision.get('b')).toMatchObject({ width: 300, height: 200 });
  expect(got.find((one) => one.event.decision === 'a')!.event).toEqual(event('a'));
});

test('a picture that comes late is of something else: none is sent; nor are more kept waiting than a few', async () => {
  const sender = new StillSender();
  sender.want(path, event('late'), 0);
  sender.offer(frame(1), 5000);
  for (let i = 0; i < 10; i++) sender.want(path, event(`${i}`), 6000);
  sender.offer(frame(2), 6001);
  await until('four pictures', () => got.length === 4);
  expect(got.map((one) => one.event.decision).sort()).toEqual(['0', '1', '2', '3']);
});

test('where nobody listens nothing breaks', async () => {
  const sender = new StillSender();
  sender.want(join(folder, 'nobody'), event('a'), 0);
  sender.offer(frame(1), 1);
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(got).toEqual([]);
});

test.each<[string, (whole: Buffer) => Buffer]>([
  ['cut short', (whole) => whole.subarray(0, -1)],
  ['of another kind', (whole) => Buffer.concat([Buffer.from('GET '), whole.subarray(4)])],
  ['too long', (whole) => Buffer.concat([whole, Buffer.alloc(5)])],
  ['no pixels', () => encodeHandOver({ width: 0, height: 0, data: new Uint8Array(0) }, event('x'))],
])('a message %s is not taken', async (_, spoil) => {
  const spoilt = spoil(encodeHandOver(frame(1), event('x')));
  expect(() => decodeHandOver(spoilt)).toThrow();
  const socket = connect(path);
  socket.on('error', () => undefined);
  socket.end(spoilt);
  await new Promise((resolve) => socket.once('close', resolve));
  // The next one is.
  const sender = new StillSender();
  sender.want(path, event('good'), 0);
  sender.offer(frame(2), 1);
  await until('a picture', () => got.length > 0);
  expect(got.map((one) => one.event.decision)).toEqual(['good']);
});
