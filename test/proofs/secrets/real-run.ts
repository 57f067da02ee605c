import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { packageRoot } from '../../../src/system/paths';
import { connect } from 'mqtt';
import { holdsSecret } from '../../support/addresses';
import { Daemon, Installation, usher } from '../../support/daemon';
import { Mosquitto } from '../../support/mosquitto';
import { until } from '../../support/until';

/** Awkward in an address, in YAML, in a shell or in a pattern. Each has eight letters that occur nowhere else. */
const PASSWORDS = ['zqkv7351', `zq/kv#7351zqkv @?%"'`, '$(zqkv7352zqkv)&x=1', 'ä€zqkv7353zqkv'];

export interface RealReport {
  readonly tried: number;
  readonly bytes: number;
  readonly faults: readonly string[];
}

/**
 * A daemon with a camera and a broker that both want the password, and the commands that look at it: everything that they print, publish,
 * write and show in `ps` is searched.
 */
export async function tryRealRuns(
  onEnd: (cleanUp: () => unknown) => void,
  passwords: readonly string[] = PASSWORDS,
): Promise<RealReport> {
  const faults: string[] = [];
  let bytes = 0;
  for (const password of passwords)
    for (const right of [true, false]) {
      for (const [where, text] of await run(password, right, onEnd)) {
        bytes += text.length;
        if (text === '') faults.push(`${where}: nothing was heard, so nothing was searched`);
        const form = holdsSecret(text, password);
        if (form !== null)
          faults.push(
            `${where} shows password ${passwords.indexOf(password)} (${right ? 'right' : 'wrong'} at the camera)`,
          );
      }
    }
  return { tried: passwords.length * 2, bytes, faults };
}

async function run(
  password: string,
  right: boolean,
  onEnd: (cleanUp: () => unknown) => void,
): Promise<ReadonlyMap<string, string>> {
  const out = new Map<string, string>();
  const installation = await Installation.make({});
  onEnd(() => installation.remove());
  const file = (name: string): string => join(installation.dir, name);
  execFileSync('mosquitto_passwd', ['-b', '-c', file('users'), 'box', password], { stdio: 'pipe' });
  const mosquitto = new Mosquitto(['allow_anonymous false', `password_file ${file('users')}`]);
  onEnd(() => mosquitto.dispose());
  await mosquitto.start();
  const camera = await askingCamera(right ? password : 'another', file('clip.ts'));
  onEnd(() => camera.close());
  const { port } = camera.address() as AddressInfo;
  writeFileSync(file('password'), `${password}\n`, { mode: 0o600 });
  const source = {
    type: 'ffmpeg',
    input: `http://127.0.0.1:${port}/1.ts`,
    username: 'admin',
    passwordFile: 'password',
  };
  const userInfo = `admin:${encodeURIComponent(password)}@`;
  const config = {
    device: { site: 'gym', id: 'box' },
    dataDir: 'data',
    models: { dir: join(packageRoot(), 'models') },
    mqtt: { broker: { type: 'external', url: mosquitto.url, username: 'box', passwordFile: 'password' } },
    cameras: [
      { id: 'cam', source, startMs: 3000 },
      {
        id: 'other',
        source: {
          type: 'ffmpeg',
          input: `http://${userInfo}127.0.0.1:${port}/2.ts?password=${encodeURIComponent(password)}`,
        },
        startMs: 3000,
      },
    ],
    doors: [
      { id: 'front', camera: 'cam', mode: 'identify' },
      { id: 'back', camera: 'other', mode: 'identify' },
    ],
    log: { level: 'debug' },
    health: { everySeconds: 1 },
  };
  writeFileSync(installation.config, JSON.stringify(config), { mode: 0o600 });
  let published = '';
  const watcher = connect(mosquitto.url, { username: 'box', password });
  watcher.on('message', (topic, payload) => (published += `${topic} ${payload.toString()}\n`));
  watcher.subscribe('#');
  onEnd(() => watcher.end(true));
  const daemon = Daemon.start(installation);
  onEnd(() => daemon.stop('SIGKILL'));
  let seen = '';
  const look = (): void => {
    for (const pid of daemon.descendants())
      try {
        seen += readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ') + '\n';
      } catch {
        // It has just ended.
      }
  };
  await until('the camera to be heard of and seen in ps', () => {
    look();
    return (
      /health\/cam /.test(published) && seen.includes('ffmpeg') && (right || /health\/other .*"failed"/.test(published))
    );
  });
  for (const command of [
    ['config', 'check', installation.config],
    ['doctor', '--json', '--config', installation.config],
  ]) {
    const { stdout, stderr } = await usher(...command);
    out.set(`usher ${command[0] ?? ''}`, `${stdout}${stderr}`);
  }
  await daemon.stop();
  out.set('the log', daemon.log);
  out.set('MQTT', published);
  out.set('ps', seen);
  const data = file('data');
  for (const name of readdirSync(data, { recursive: true, encoding: 'utf8' }))
    if (/\.db(-wal)?$/.test(name)) out.set(`data/${name}`, readFileSync(join(data, name), 'latin1'));
  watcher.end(true);
  camera.close();
  await mosquitto.dispose();
  await installation.remove();
  return out;
}

/** A stand-in for a network camera: HTTP with Basic, a stream that does not end. */
async function askingCamera(password: string, clip: string): Promise<Server> {
  const pictures = ['-f', 'lavfi', '-i', 'testsrc=size=320x240:rate=10', '-t', '60'];
  execFileSync('ffmpeg', ['-v', 'error', '-y', ...pictures, '-c:v', 'mpeg2video', '-f', 'mpegts', clip]);
  const wanted = `Basic ${Buffer.from(`admin:${password}`).toString('base64')}`;
  const bytes = readFileSync(clip);
  const server = createServer(({ headers }, response) => {
    if (headers.authorization === wanted) response.writeHead(200, { 'content-type': 'video/mp2t' }).write(bytes);
    else response.writeHead(401, { 'www-authenticate': 'Basic realm="camera"' }).end();
  });
  server.on('connection', (socket) => socket.unref());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}
