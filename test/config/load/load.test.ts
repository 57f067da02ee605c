import { readFileSync } from 'node:fs';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { withoutAmbiguity } from '../../../src/config/references/camera-address';
import { configJsonSchema } from '../../../src/config/schema/json-schema';
import { loadConfig, parseConfig } from '../../../src/config/load/load';
import { UsherError } from '../../../src/errors';
import { packageRoot } from '../../../src/system/paths';

const MINIMAL = `
device: { site: gym, id: box-1 }
cameras: [{ id: cam, source: { type: ffmpeg, input: /dev/video0 } }]
doors: [{ id: front, camera: cam, readers: [r1] }]
`;
const problemsOf = (text: string): string => {
  try {
    parseConfig(text, 'x.yaml');
  } catch (error) {
    expect(error).toBeInstanceOf(UsherError);
    expect((error as UsherError).code).toBe('config-invalid');
    return (error as UsherError).message;
  }
  throw new Error('was accepted');
};

describe('parseConfig', () => {
  test('fills the defaults in and freezes deeply', () => {
    const config = parseConfig(MINIMAL, 'x.yaml');
    expect(config.doors[0]).toMatchObject({ mode: 'verify', votes: 3, targetFmr: 1e-4 });
    expect(config.cameras[0]?.quality.minSharpness).toBeGreaterThan(0);
    expect(Object.isFrozen(config.cameras[0]?.quality)).toBe(true);
  });

  test.each([
    ['an unknown key', MINIMAL.replace('readers:', 'modus: x, readers:'), 'doors[0].modus (line 4): no such key'],
    ['a wrong type', MINIMAL.replace('[r1]', 'r1'), 'doors[0].readers (line 4): found "r1"'],
    [
      'a door without its camera',
      MINIMAL.replace('camera: cam', 'camera: cams'),
      'doors[0].camera (line 4): found "cams"; no such camera; did you mean "cam"? there is: cam',
    ],
    [
      'verify without a reader',
      MINIMAL.replace('readers: [r1]', 'readers: []'),
      'doors[0].readers (line 4): found []; mode verify needs at least one reader',
    ],
    [
      'a reserved camera name',
      MINIMAL.replaceAll('cam,', 'broker,').replaceAll('id: cam', 'id: broker'),
      'is reserved',
    ],
    [
      'a threshold that lets everybody in',
      MINIMAL.replace('readers:', 'targetFmr: 0.5, readers:'),
      'doors[0].targetFmr (line 4): found 0.5',
    ],
    [
      'a shell in a device name',
      MINIMAL.replace('{ type: ffmpeg, input: /dev/video0 }', '{ type: webcam-stills, device: "/dev/video0; reboot" }'),
      'a device like /dev/video0',
    ],
    [
      'a camera that is too slow for its door',
      MINIMAL.replace('id: cam,', 'id: cam, latencyMs: 4500,'),
      'doors[0].deadlineMs (line 4): found nothing; 5000 is too short: pictures of camera cam come 4500 ms late (latencyMs), so a face needs at least 5200',
    ],
    [
      'a camera that is too slow to open by the face alone',
      MINIMAL.replace('id: cam,', 'id: cam, latencyMs: 2500,').replace('readers:', 'mode: either, readers:'),
      'either opens by the face alone, 2.5 s after the person looked',
    ],
    ['no mapping', '- a\n- b\n', '(top level)'],
    ['nothing at all', '', '(top level)'],
    ['broken YAML', 'device: { site: gym', 'is not valid YAML'],
    [
      'a misspelt key',
      MINIMAL.replace('readers:', 'targetFmrr: 0.001, readers:'),
      'doors[0].targetFmrr (line 4): no such key; did you mean "targetFmr"?',
    ],
    [
      'two letters swapped',
      MINIMAL.replace('readers:', 'targetFrm: 0.001, readers:'),
      'doors[0].targetFrm (line 4): no such key; did you mean "targetFmr"?',
    ],
    [
      'a misspelt key of one kind of source',
      MINIMAL.replace('input: /dev/video0', 'input: /dev/video0, rtspTransprot: udp'),
      'cameras[0].source.rtspTransprot (line 3): no such key; did you mean "rtspTransport"?',
    ],
    [
      'a key in the wrong place',
      `${MINIMAL}targetFmr: 0.001\n`,
      'targetFmr (line 5): no such key here; it belongs in doors[]',
    ],
    [
      'a camera device that is named twice',
      MINIMAL.replace('cameras: [', 'cameras: [{ id: other, source: { type: webcam-stills } }, '),
      'cameras[1].source (line 3): found {"type":"ffmpeg","input":"/dev/video0"}; another camera has this device',
    ],
  ])('%s', (_, text, expected) => expect(problemsOf(text)).toContain(expected));

  test('every bad key at once', () => {
    const told = problemsOf('device: { site: G }\ncameras: []\ndoors: [{ id: a, camera: b, votes: 0 }]\n');
    for (const key of ['device.site', 'device.id', 'doors[0].votes', 'doors[0].camera', 'doors[0].readers'])
      expect(told).toContain(key);
  });

  test('a tab is one error that names the lines', () => {
    const text = 'device:\n\tsite: gym\n\tid: box-1\ncameras:\n  - id: cam\n\t  source:\n\t    type: ffmpeg\n';
    expect(problemsOf(text)).toBe(
      'x.yaml is not valid YAML:\n  lines 2, 3, 6, 7: a tab; YAML is indented with spaces alone',
    );
  });

  test('a syntax error is told once, with its place and without the text around it', () => {
    const told = problemsOf('mqtt:\n  password: "hunter2x\ncameras: [\ndoors: {\n');
    expect(told.split('\n')).toHaveLength(2);
    expect(told).toMatch(/line \d+, column \d+: /);
    expect(told).not.toContain('hunter2x');
  });

  test('no value that may be a password is shown', () => {
    const told = problemsOf(
      MINIMAL.replace('/dev/video0', 'rtsp://admin:hunter2x@10.0.0.5/s').replace('readers: [r1]', 'readers: r1') +
        'mqtt: { broker: { type: external, url: "mqtt:/box:hunter2x@broker", password: hunter2x, passwordFile: [hunter2x] } }\n',
    );
    expect(told).toContain('mqtt.broker.password (line 5): no such key; did you mean "passwordFile"?');
    expect(told).not.toContain('hunter2x');
  });

  test('a bomb of aliases is refused', () => {
    const bomb = [
      'a: &a [x, x, x, x, x, x, x, x, x]',
      ...'bcdefghi'
        .split('')
        .map((name, i) => `${name}: &${name} [${Array(9).fill(`*${'abcdefghi'[i]!}`).join(', ')}]`),
    ].join('\n');
    expect(problemsOf(bomb)).toContain('x.yaml');
  });

  test('whatever the text: a configuration or a config-invalid, never anything else', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json(),
          fc.string().map((s) => MINIMAL + s),
        ),
        (text) => {
          try {
            parseConfig(text, 'x');
          } catch (error) {
            expect(error).toMatchObject({ code: 'config-invalid' });
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('loadConfig', () => {
  test('resolves folders against the file', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'usher-config-'));
    await writeFile(join(dir, 'a.yaml'), `${MINIMAL}dataDir: data\nmodels: { dir: m }\n`);
    expect(await loadConfig(join(dir, 'a.yaml'))).toMatchObject({
      dataDir: join(dir, 'data'),
      modelsDir: join(dir, 'm'),
    });
  });

  test('a missing file says which and what to do', async () => {
    await expect(loadConfig('/nowhere/a.yaml')).rejects.toMatchObject({
      code: 'file-unreadable',
      message: expect.stringContaining('/nowhere/a.yaml') as string,
    });
  });
});

describe('device-config', () => {
  test('the documented example is valid and its values are the defaults', () => {
    const text = readFileSync(join(packageRoot(), 'device-config/gym-entrance.yaml'), 'utf8');
    const documented = parseConfig(text, 'gym-entrance.yaml');
    const bare = parseConfig(
      `device: { site: gym, id: entrance-1 }
dataDir: ../.usher
cameras: [{ id: entrance, source: { type: ffmpeg, input: /dev/video0 } }]
doors: [{ id: front, camera: entrance, readers: [reader-1] }]`,
      'bare',
    );
    expect(documented).toEqual(bare);
  });

  test('the schema for editors is the one of the code', () => {
    const written: unknown = JSON.parse(readFileSync(join(packageRoot(), 'device-config/schema.json'), 'utf8'));
    expect(written).toEqual(JSON.parse(JSON.stringify(configJsonSchema())));
  });
});

describe('addresses of cameras', () => {
  const withSource = (source: string): string => MINIMAL.replace('input: /dev/video0', source);

  test.each([
    [
      'a slash in a numeric password',
      'input: "rtsp://admin:12/34@10.0.0.5/s"',
      'it is unclear where the password ends',
    ],
    ['two readings', 'input: "rtsp://admin:p@/x@10.0.0.5/s"', 'it is unclear where the password ends'],
    ['no scheme', 'input: "admin:secret1@10.0.0.5/s"', 'looks like an address without its scheme'],
    ['a password twice', 'input: "rtsp://a:secret1@h/s", username: a, passwordFile: p', 'holds a user or an @ itself'],
    ['a password file without a user', 'input: "rtsp://h/s", passwordFile: p', 'needs a username'],
    ['a user without a password file', 'input: "rtsp://h/s", username: a', 'needs a passwordFile'],
    ['a password for a device', 'input: /dev/video0, username: a, passwordFile: p', 'only an rtsp:// or http(s)://'],
  ])('%s is refused', (_, source, why) => {
    const told = problemsOf(withSource(source));
    expect(told).toContain(why);
    expect(told).not.toContain('secret1');
  });

  test.each([
    ['rtsp://admin:pa/ss#1@10.0.0.5/s', 'rtsp://admin:pa%2Fss%231@10.0.0.5/s'],
    ['rtsp://admin:my pass@10.0.0.5:554/s', 'rtsp://admin:my%20pass@10.0.0.5:554/s'],
    ['rtsp://admin:a%2Fb%@10.0.0.5/s', 'rtsp://admin:a%2Fb%25@10.0.0.5/s'],
    ['rtsp://admin:p@ss@10.0.0.5/s', 'rtsp://admin:p%40ss@10.0.0.5/s'],
    ['http://camera/picture@2x.jpg', 'http://camera/picture@2x.jpg'],
    ['http://camera/s?user=a&password=b', 'http://camera/s?user=a&password=b'],
  ])('%s has one reading', (written, meant) => {
    parseConfig(withSource(`input: ${JSON.stringify(written)}`), 'x.yaml');
    expect(withoutAmbiguity(written)).toBe(meant);
  });
});
