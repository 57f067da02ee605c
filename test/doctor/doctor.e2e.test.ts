import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { encodeJpeg } from '../../src/vision/picture/picture';
import { Daemon, descendantsOf, Installation, usher } from '../support/daemon';

/** The command as it is, on an installation of its own. */
describe('usher doctor', () => {
  let installation: Installation;
  let input: string;

  beforeAll(async () => {
    installation = await Installation.make({
      mqtt: { broker: { type: 'embedded', port: 0 } },
      cameras: [{ id: 'cam', source: { type: 'folder', path: 'PICTURES', loop: true }, fps: 2 }],
      doors: [{ id: 'front', camera: 'cam', readers: ['r1'] }],
    });
    input = path.join(installation.dir, 'pictures');
  });
  afterAll(() => installation.remove());

  it('names what fails, and ends with 1', async () => {
    const { code, stdout } = await usher('doctor', '--config', installation.config);
    expect(code).toBe(1);
    expect(stdout).toMatch(/^FAIL camera:cam: /m);
    expect(stdout).toMatch(/^ {5}→ /m);
    expect(stdout).toMatch(/^\d+ ok, \d+ warnings, 1 failures$/m);
  });

  it('leaves a daemon alone that runs on the same folder', async () => {
    mkdirSync(input);
    const grey = new Uint8Array(64 * 48 * 3).fill(120);
    writeFileSync(path.join(input, '1.jpg'), await encodeJpeg({ width: 64, height: 48, data: grey }));
    writeFileSync(installation.config, readFileSync(installation.config, 'utf8').replace('PICTURES', input));
    const daemon = Daemon.start(installation);
    try {
      await daemon.says('ready');
      const children = descendantsOf(daemon.process.pid ?? -1);
      const { code, stdout } = await usher('doctor', '--config', installation.config, '--json');
      const report = JSON.parse(stdout) as {
        fail: number;
        findings: { check: string; state: string; found: string }[];
      };
      expect(report.findings.filter(({ state }) => state === 'fail')).toEqual([]);
      expect({ code, fail: report.fail }).toEqual({ code: 0, fail: 0 });
      expect(report.findings.find(({ check }) => check === 'camera:cam')?.found).toContain('running daemon');
      expect(report.findings.map(({ check }) => check)).toEqual(
        expect.arrayContaining([
          'node',
          'clock:date',
          'disk:space',
          'models:load',
          'store',
          'journal',
          'broker',
          'door:front',
        ]),
      );
      expect(daemon.process.exitCode).toBeNull();
      expect(descendantsOf(daemon.process.pid ?? -1)).toEqual(children);
    } finally {
      expect(await daemon.stop()).toBe(0);
    }
  });
});
