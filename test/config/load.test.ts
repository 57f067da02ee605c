import { readFileSync } from 'node:fs';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { configJsonSchema } from '../../src/config/json-schema';
import { loadConfig, parseConfig } from '../../src/config/load';
import { UsherError } from '../../src/errors';
import { packageRoot } from '../../src/system/paths';

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
      'doors[0].camera (line 4): found "cams"; no such camera; there is: cam',
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
    ['no mapping', '- a\n- b\n', '(top level)'],
    ['nothing at all', '', '(top level)'],
    ['broken YAML', 'device: { site: gym', 'is not valid YAML'],
  ])('%s', (_, text, expected) => expect(problemsOf(text)).toContain(expected));

  test('every bad key at once', () => {
    const told = problemsOf('device: { site: G }\ncameras: []\ndoors: [{ id: a, camera: b, votes: 0 }]\n');
    for (const key of ['device.site', 'device.id', 'doors[0].votes', 'doors[0].camera', 'doors[0].readers'])
      expect(told).toContain(key);
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
