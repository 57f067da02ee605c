import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Installation, usher } from '../support/daemon';
import { entranceRecording } from '../support/entrance';

/** `nobody` of Debian; any user but root does. */
const OTHER = 65_534;
const describeAsRoot = process.getuid?.() === 0 ? describe : describe.skip;

describeAsRoot('what root makes in the folder of another user', () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'usher-owner-'));
    chmodSync(dir, 0o755);
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  /** Every file and folder below, which a process of that user must be able to read. */
  const foreign = (folder: string): string[] =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
      (name) => lstatSync(join(folder, name)).uid !== OTHER,
    );

  it('belongs to that user after an enrolment into the empty folder of the service', async () => {
    const { still } = await entranceRecording();
    const data = join(dir, 'data');
    mkdirSync(data, { mode: 0o700 });
    chownSync(data, OTHER, OTHER);
    const place = await Installation.make({
      dataDir: data,
      cameras: [{ id: 'cam', source: { type: 'folder', path: dir } }],
      doors: [{ id: 'front', camera: 'cam', readers: ['r1'] }],
    });
    try {
      expect(await place.enroll('4711', still)).toMatchObject({ code: 0 });
      const names = readdirSync(data, { recursive: true, encoding: 'utf8' });
      expect(names).toEqual(expect.arrayContaining(['usher.db', 'journal.db', 'keys']));
      expect(foreign(data)).toEqual([]);
      for (const name of names)
        execFileSync('test', ['-r', join(data, name)], { uid: OTHER, gid: OTHER, stdio: 'ignore' });
    } finally {
      await place.remove();
    }
  }, 120_000);

  it('belongs to that user in folders that had to be made, too', async () => {
    chownSync(dir, OTHER, OTHER);
    expect(await usher('actuator', 'key', '--from-box', join(dir, 'deep', 'data'))).toMatchObject({ code: 0 });
    expect(readdirSync(join(dir, 'deep', 'data'))).not.toEqual([]);
    expect(foreign(dir)).toEqual([]);
  }, 60_000);
});
