import { execFileSync } from 'node:child_process';
import { createServer, type RequestListener } from 'node:http';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { firstValueFrom, take, tap, toArray } from 'rxjs';
import { CameraConfig } from '../../../src/config/schema/cameras';
import { createCameraSource } from '../../../src/vision/camera/create';
import { descendantsOf } from '../../support/daemon';
import { RtspCamera } from '../../support/rtsp-camera';

const PASSWORD = `s/e#c r@e?t'7351"%`;
const LOG = { warn: () => undefined };
const dir = mkdtempSync(join(tmpdir(), 'usher-credentials-'));
const passwordFile = join(dir, 'password');
const stream = join(dir, 'stream.ts');

beforeAll(() => {
  writeFileSync(passwordFile, `${PASSWORD}\n`, { mode: 0o600 });
  const pictures = ['-f', 'lavfi', '-i', 'testsrc=size=320x240:rate=10', '-t', '4'];
  execFileSync('ffmpeg', ['-v', 'error', ...pictures, '-c:v', 'mpeg2video', '-g', '5', '-f', 'mpegts', stream]);
});
afterAll(() => rmSync(dir, { recursive: true }));

const camera = (source: object): CameraConfig =>
  CameraConfig.parse({ id: 'cam', width: 320, height: 240, fps: 10, source: { type: 'ffmpeg', ...source } });

/** What every account of the machine sees of the processes of this one, while frames come. */
async function watched(config: CameraConfig): Promise<{ frames: number; seen: string }> {
  let seen = '';
  const look = (): void => {
    for (const pid of descendantsOf(process.pid))
      try {
        seen += `${readFileSync(`/proc/${pid}/cmdline`, 'utf8')}\n`;
      } catch {
        // It has just ended.
      }
  };
  const frames = await firstValueFrom(
    createCameraSource(config, LOG)
      .open()
      .pipe(
        tap((frame) => {
          look();
          frame.release();
        }),
        take(3),
        toArray(),
      ),
  );
  return { frames: frames.length, seen };
}

function requireHidden(seen: string): void {
  expect(seen).toContain('ffmpeg');
  expect(seen).toContain('pipe:0');
  for (const form of ['7351', encodeURIComponent(PASSWORD), Buffer.from(`admin:${PASSWORD}`).toString('base64')])
    expect(seen).not.toContain(form);
}

describe('a camera that asks for a password', () => {
  test('RTSP with Digest: the password comes from its file, and ps does not show it', async () => {
    const server = new RtspCamera({ username: 'admin', password: PASSWORD }, readFileSync(stream));
    const port = await server.start();
    try {
      const input = `rtsp://127.0.0.1:${port}/stream`;
      const { frames, seen } = await watched(camera({ input, username: 'admin', passwordFile }));
      expect(frames).toBe(3);
      expect(server.refused).toBeGreaterThan(0);
      requireHidden(seen);
    } finally {
      server.stop();
    }
  });

  test.each(['file', 'address'])('HTTP with Basic: the password from the %s', async (where) => {
    const wanted = `Basic ${Buffer.from(`admin:${PASSWORD}`).toString('base64')}`;
    const answer: RequestListener = ({ headers }, response) => {
      if (headers.authorization === wanted)
        response.writeHead(200, { 'content-type': 'video/mp2t' }).end(readFileSync(stream));
      else response.writeHead(401, { 'www-authenticate': 'Basic realm="camera"' }).end();
    };
    const server = createServer(answer);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    try {
      const address = `http://admin:${encodeURIComponent(PASSWORD)}@127.0.0.1:${port}/1.ts`;
      const source =
        where === 'file'
          ? { input: `http://127.0.0.1:${port}/1.ts`, username: 'admin', passwordFile }
          : { input: address };
      const { frames, seen } = await watched(camera(source));
      expect(frames).toBe(3);
      requireHidden(seen);
    } finally {
      server.close();
    }
  });

  test('a wrong password is told without the password', async () => {
    const server = new RtspCamera({ username: 'admin', password: 'another' }, readFileSync(stream));
    const port = await server.start();
    try {
      const source = createCameraSource(
        camera({ input: `rtsp://127.0.0.1:${port}/stream`, username: 'admin', passwordFile }),
        LOG,
      );
      const error = await firstValueFrom(source.open()).catch((thrown: unknown) => thrown as Error);
      expect(error).toBeInstanceOf(Error);
      expect((error as Error).message).toContain('401');
      expect((error as Error).message).not.toContain('7351');
    } finally {
      server.stop();
    }
  });

  test('a password file that is not there is named', async () => {
    const source = createCameraSource(
      camera({ input: 'rtsp://127.0.0.1:1/s', username: 'admin', passwordFile: '/nowhere/password' }),
      LOG,
    );
    await expect(firstValueFrom(source.open())).rejects.toThrow('source.passwordFile: /nowhere/password: ENOENT');
  });
});
