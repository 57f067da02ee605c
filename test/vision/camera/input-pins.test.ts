import { createReadStream, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer, type RequestListener, type Server } from 'node:http';
import { createServer, type AddressInfo, type Server as NetServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { firstValueFrom, take, toArray } from 'rxjs';
import { CameraConfig } from '../../../src/config/schema/cameras';
import { createCameraSource } from '../../../src/vision/camera/create';
import { describeWithFfmpeg, makeClip } from '../../support/processes';

const open = (input: string) =>
  createCameraSource(
    CameraConfig.parse({
      id: 'cam',
      width: 64,
      height: 64,
      fps: 10,
      source: { type: 'ffmpeg', input, realtime: false },
    }),
    { warn: () => undefined },
  ).open();

describeWithFfmpeg('an input that names other inputs', () => {
  let dir: string;
  let other: NetServer;
  let otherPort: number;
  let connections = 0;
  let camera: Server;
  let answer: RequestListener;
  let address: string;

  beforeAll(async () => {
    dir = mkdtempSync(path.join(tmpdir(), 'usher-pins-'));
    makeClip(path.join(dir, 'clip.ts'), { seconds: 1, fps: 10, size: '64x64' });
    other = createServer((socket) => {
      connections++;
      socket.destroy();
    });
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    otherPort = (other.address() as AddressInfo).port;
    camera = createHttpServer((request, response) => answer(request, response));
    await new Promise<void>((resolve) => camera.listen(0, '127.0.0.1', resolve));
    address = `http://127.0.0.1:${(camera.address() as AddressInfo).port}`;
  });
  beforeEach(() => (connections = 0));
  afterAll(() => {
    other.close();
    camera.closeAllConnections();
    camera.close();
    rmSync(dir, { recursive: true, force: true });
  });

  const hls = (target: string) => `#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n${target}\n#EXT-X-ENDLIST\n`;
  const dash = (target: string) =>
    `<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT1S" profiles="urn:mpeg:dash:profile:isoff-main:2011"><Period><AdaptationSet mimeType="video/mp4"><Representation id="1" bandwidth="1"><BaseURL>${target}</BaseURL><SegmentBase/></Representation></AdaptationSet></Period></MPD>`;
  const concat = (target: string) => `ffconcat version 1.0\nfile '${target}'\n`;
  const sdp = () => `v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video ${otherPort} RTP/AVP 26\n`;

  test.each([
    ['HLS', 'application/vnd.apple.mpegurl', hls],
    ['DASH', 'application/dash+xml', dash],
    ['concat', 'text/plain', concat],
    ['SDP', 'application/sdp', sdp],
  ])('an http camera that answers with %s: no other address is opened', async (_name, type, playlist) => {
    answer = (_request, response) => {
      response.setHeader('Content-Type', type);
      response.end(playlist(`http://127.0.0.1:${otherPort}/secret.ts`));
    };
    await expect(firstValueFrom(open(`${address}/video`))).rejects.toMatchObject({ code: 'camera-failed' });
    expect(connections).toBe(0);
  });

  test('a playlist whose address says that it is one plays', async () => {
    answer = (request, response) => {
      if (request.url === '/live.m3u8') response.end(hls('clip.ts'));
      else createReadStream(path.join(dir, 'clip.ts')).pipe(response);
    };
    expect(await firstValueFrom(open(`${address}/live.m3u8`).pipe(take(3), toArray()))).toHaveLength(3);
  });

  test.each([
    ['HLS', 'list.m3u8', hls],
    ['HLS under the name of a video', 'list.mp4', hls],
    ['concat', 'list.txt', concat],
  ])('a playlist on disk opens no other file: %s', async (_name, name, playlist) => {
    const file = path.join(dir, name);
    writeFileSync(file, playlist(path.join(dir, 'clip.ts')));
    await expect(firstValueFrom(open(file))).rejects.toMatchObject({ code: 'camera-failed' });
  });

  test('MJPEG in parts, as cameras serve it', async () => {
    const jpeg = await import('sharp').then(({ default: sharp }) =>
      sharp({ create: { width: 64, height: 64, channels: 3, background: '#3366cc' } })
        .jpeg()
        .toBuffer(),
    );
    answer = (_request, response) => {
      response.setHeader('Content-Type', 'multipart/x-mixed-replace; boundary=frame');
      const part = () => {
        response.write(`--frame\r\nContent-Type: image/jpeg\r\nContent-Length: ${jpeg.length}\r\n\r\n`);
        response.write(jpeg);
        response.write('\r\n');
      };
      const timer = setInterval(part, 50);
      response.on('close', () => clearInterval(timer));
    };
    expect(await firstValueFrom(open(`${address}/mjpeg`).pipe(take(2), toArray()))).toHaveLength(2);
  });
});
