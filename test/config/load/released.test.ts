import { parseConfig } from '../../../src/config/load/load';
import { parseReleased, withReleased } from '../../../src/config/load/released';
import type { UsherError } from '../../../src/errors';

const config = parseConfig(
  JSON.stringify({
    device: { site: 'gym', id: 'box' },
    cameras: [
      { id: 'front', source: { type: 'folder', path: '/a' } },
      { id: 'back', source: { type: 'folder', path: '/b' } },
    ],
    doors: [
      { id: 'entrance', camera: 'front', readers: ['a'], targetFmr: 1e-4, scenes: { night: { targetFmr: 1e-3 } } },
      { id: 'exit', camera: 'back', readers: ['b'], targetFmr: 1e-6, votes: 5 },
    ],
    microphones: [{ id: 'hall', source: { type: 'stdin' }, words: [{ model: 'wake-jarvis' }] }],
  }),
  'the operator’s',
);
const applied = (released: object) => withReleased(config, parseReleased(JSON.stringify(released), 'released'));
const refusal = (work: () => unknown): string => {
  try {
    work();
    return 'taken';
  } catch (error) {
    return `${(error as UsherError).code}: ${(error as Error).message}`;
  }
};

describe('settings of the fleet', () => {
  it('change what they name, everywhere or by a name, and nothing else', () => {
    const changed = applied({
      log: { level: 'debug' },
      cameras: { '*': { fps: 10, scene: { settle: 5 } }, back: { fps: 6 } },
      microphones: { hall: { sensitivity: 'low' } },
    });
    expect(changed.cameras.map(({ fps, scene }) => [fps, scene.settle, scene.everyMs])).toEqual([
      [10, 5, 5000],
      [6, 5, 5000],
    ]);
    expect(changed.microphones[0]?.words).toMatchObject([{ model: 'wake-jarvis', sensitivity: 'low' }]);
    expect(changed.log).toEqual({ level: 'debug', format: 'text' });
    const { cameras, microphones, log, ...others } = changed;
    const { cameras: own, microphones: mine, log: before, ...same } = config;
    expect(others).toEqual(same);
    expect([own[0]?.fps, mine[0]?.words[0]?.sensitivity, before.level]).toEqual([15, 'medium', 'info']);
    expect([cameras, microphones, log].every(Object.isFrozen)).toBe(true);
  });

  it('make a door stricter, and never laxer', () => {
    const strict = applied({ doors: { '*': { targetFmr: 1e-5, votes: 4, margin: 0.1 } } });
    expect(strict.doors).toMatchObject([
      { targetFmr: 1e-5, votes: 4, margin: 0.1, scenes: { night: { targetFmr: 1e-5 } } },
      { targetFmr: 1e-6, votes: 5, margin: 0.1 },
    ]);
    const lax = applied({ doors: { '*': { targetFmr: 0.01, votes: 1, margin: 0 } } });
    expect(lax.doors).toEqual(config.doors);
  });

  it.each<[string, object, RegExp]>([
    ['a key of no fleet', { mqtt: { broker: { type: 'embedded', port: 1 } } }, /mqtt/],
    ['a door’s actuating time', { doors: { '*': { unlockMs: 30_000 } } }, /unlockMs/],
    ['a door’s mode', { doors: { entrance: { mode: 'identify' } } }, /mode/],
    ['the rules of passage', { policy: { doors: {} } }, /policy/],
    ['keys', { security: { commandKeys: [] } }, /security/],
    ['a camera’s source', { cameras: { '*': { source: { type: 'folder', path: '/x' } } } }, /source/],
    ['a gate that nobody passes', { cameras: { '*': { quality: { minSharpness: 1 } } } }, /quality/],
    ['a blind camera', { cameras: { '*': { fps: 0.1 } } }, /fps/],
    ['more votes than frames', { doors: { '*': { votes: 30 } } }, /votes/],
    ['a root of trust', { fleet: { root: '/x' } }, /root/],
    ['a camera that is not there', { cameras: { frnt: { fps: 10 } } }, /no frnt; it has: front, back/],
    ['nothing', {}, /nothing is changed/],
  ])('with %s are refused', (_, released, why) => {
    expect(refusal(() => applied(released))).toMatch(/^config-invalid: /);
    expect(refusal(() => applied(released))).toMatch(why);
  });
});
