import { execFile, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { type KnownRelease, offerOf } from '../../src/fleet/manager/publish';
import { documentTarget, targetPath } from '../../src/fleet/trust/source';
import { OPEN, refusal, Rig, type TestBox } from './rig';

/**
 * Whether others judge as usher does. Two of another make, neither installed with usher, whose absence skips what needs them:
 * - a Python (USHER_TEST_PYTHON) that makes repositories, with Debian's python3-securesystemslib and python3-cryptography;
 * - a TUF client (USHER_TEST_TUF_CLIENT, a command) that judges them, and those of `usher fleet`. Any that speaks the command line of
 *   tuf-conformance (its CLIENT-CLI.md) and ends with 1 where it refuses, such as `dist/cli.js` of npm's @freedomofpress/tuf-browser.
 */
const PYTHON = process.env['USHER_TEST_PYTHON'] ?? 'python3';
const CLIENT = (process.env['USHER_TEST_TUF_CLIENT'] ?? '').split(' ').filter((word) => word !== '');
const hasPython = spawnSync(PYTHON, ['-c', 'import securesystemslib.formats, cryptography']).status === 0;
const hasClient = CLIENT.length > 0;
const NO_PYTHON = `${PYTHON} has no securesystemslib and cryptography (USHER_TEST_PYTHON)`;
const NO_CLIENT = 'no other TUF client is named (USHER_TEST_TUF_CLIENT)';

const run = promisify(execFile);
jest.setTimeout(120_000);

/** The other client asks the machine's clock and cannot be told the time. */
const now = Date.now();
let rig: Rig;
let known: KnownRelease;
let clients = 0;
beforeAll(async () => {
  rig = await Rig.start(now);
  known = await rig.publish('1.0.0', { now });
});
afterAll(() => rig.stop());
afterEach(() => {
  rig.mischief = () => undefined;
});

const boxOf = (root = rig.root): TestBox => rig.box({ root, wall: () => now });
const byUsher = (box: TestBox, release = known): Promise<string> =>
  refusal(box.receiving.verifier.verify(offerOf(release, OPEN), null));

/** A client of the other make, from the root that it is given. */
class Stranger {
  private readonly dir = path.join(rig.dir, `stranger-${clients++}`);
  private readonly metadata = path.join(this.dir, 'metadata');

  async begin(root: Buffer): Promise<this> {
    mkdirSync(this.metadata, { recursive: true });
    const file = path.join(this.dir, 'given-root.json');
    writeFileSync(file, root);
    await this.run('init', file);
    return this;
  }

  /** The target's bytes; null where it refuses. */
  async fetch(target: string): Promise<Buffer | null> {
    const url = `http://127.0.0.1:${rig.port}`;
    const into = path.join(this.dir, 'targets');
    mkdirSync(into, { recursive: true });
    const where = ['--metadata-url', `${url}/metadata/`, '--target-base-url', `${url}/targets/`, '--target-dir', into];
    try {
      await this.run(...where, '--target-name', target, 'download');
    } catch (error) {
      // It ran and said no; anything else, such as a command that is not there, is no judgement.
      if ((error as { code?: unknown }).code === 1) return null;
      throw error;
    }
    return readFileSync(path.join(into, path.basename(target)));
  }

  private async run(...words: string[]): Promise<void> {
    const [command = '', ...first] = CLIENT;
    await run(command, [...first, '--metadata-dir', this.metadata, ...words]);
  }
}

/** Stands for the release's document in tables, which are made before there is a release. */
const DOCUMENT = 'the document';
const documentPath = (): string => targetPath(documentTarget(known.id), known.document.sha256);

/** What a client says that took `good` first: usher's reason, or `taken`. */
const VARIANTS: readonly (readonly [string, string])[] = [
  ['good', 'taken'],
  ['next', 'taken'],
  ['root-rotated', 'taken'],
  ['strange-characters', 'taken'],
  ['later-minor-version', 'taken'],
  ['unknown-fields', 'taken'],
  ['another-major-version', 'metadata-malformed'],
  ['root-expired', 'metadata-expired'],
  ['targets-expired', 'metadata-expired'],
  ['timestamp-expired', 'metadata-expired'],
  ['timestamp-by-a-stranger', 'metadata-unsigned'],
  ['timestamp-rolled-back', 'metadata-older'],
  ['snapshot-rolled-back', 'metadata-older'],
  ['targets-rolled-back', 'metadata-older'],
  ['targets-signed-by-one', 'metadata-unsigned'],
  ['targets-signed-twice-by-one', 'metadata-malformed'],
  ['hash-swapped', 'metadata-unsigned'],
  ['file-swapped', 'digest-mismatch'],
  ['root-by-one-old-key', 'root-unsigned'],
  ['root-by-one-new-key', 'root-unsigned'],
  ['root-leaps', 'root-version'],
];

(hasPython ? describe : describe.skip)(`repositories made by Python${hasPython ? '' : `: ${NO_PYTHON}`}`, () => {
  let made: string;
  const serve = (name: string): void => {
    rig.mischief = (file) => {
      try {
        return readFileSync(path.join(made, name, file));
      } catch {
        return null;
      }
    };
  };
  const root = (): Buffer => readFileSync(path.join(made, 'root.json'));

  beforeAll(async () => {
    made = path.join(rig.dir, 'made');
    const signed = path.join(rig.dir, 'to-sign');
    for (const [target, { sha256 }] of rig.fleet.targets.targets)
      cpSync(path.join(rig.fleet.repository, targetPath(target, sha256)), path.join(signed, target));
    const program = path.join(__dirname, 'interoperability', 'make_repositories.py');
    await run(PYTHON, [program, made, signed, documentTarget(known.id)]);
  });

  it.each(VARIANTS)('%s: usher says %s', async (name, verdict) => {
    const box = boxOf(root());
    serve('good');
    expect(await byUsher(box)).toBe('taken');
    serve(name);
    expect(await byUsher(box)).toBe(verdict);
  });

  (hasClient ? it : it.skip).each(VARIANTS)(
    `%s: another client agrees with usher (%s)${hasClient ? '' : `: ${NO_CLIENT}`}`,
    async (name, verdict) => {
      const stranger = await new Stranger().begin(root());
      serve('good');
      expect(await stranger.fetch(documentTarget(known.id))).toEqual(rig.fleet.read(documentPath()));
      serve(name);
      expect((await stranger.fetch(documentTarget(known.id))) !== null).toBe(verdict === 'taken');
    },
  );
});

(hasClient ? describe : describe.skip)(`a repository of usher fleet${hasClient ? '' : `: ${NO_CLIENT}`}`, () => {
  const target = (): string => documentTarget(known.id);
  /** What both say of it from this root, if they agree. */
  const both = async (root?: Buffer): Promise<boolean> => {
    const stranger = await new Stranger().begin(root ?? rig.root);
    const bytes = await stranger.fetch(target());
    if (bytes !== null) expect(bytes).toEqual(rig.fleet.read(documentPath()));
    expect((await byUsher(boxOf(root))) === 'taken').toBe(bytes !== null);
    return bytes !== null;
  };

  it('is taken, and its archive too', async () => {
    expect(await both()).toBe(true);
    const [archive, { sha256 }] = [...rig.fleet.targets.targets].find(([name]) => name.startsWith('archives/'))!;
    const stranger = await new Stranger().begin(rig.root);
    expect(await stranger.fetch(archive)).toEqual(rig.fleet.read(targetPath(archive, sha256)));
  });

  it.each(['timestamp.json', 'snapshot.json', 'targets.json', DOCUMENT])(
    'is refused after a flipped byte of %s',
    async (name) => {
      rig.mischief = (file, bytes) => {
        const isMeant = name === DOCUMENT ? file === documentPath() : file.endsWith(name);
        if (!isMeant || bytes === null) return undefined;
        const copy = Buffer.from(bytes);
        // The last digit: it stays JSON, so that it is not refused for its form.
        const at = copy.toString('latin1').search(/\d(?=\D*$)/);
        copy[at] = (copy[at] ?? 0) ^ 1;
        return copy;
      };
      expect(await both()).toBe(false);
    },
  );

  it('is refused from the root of another fleet', async () => {
    const other = await Rig.start(now);
    try {
      expect(await both(other.root)).toBe(false);
    } finally {
      await other.stop();
    }
  });

  it.each(['online', 'targets', 'root'] as const)('is taken from the first root after new %s keys', async (role) => {
    const first = rig.fleet.read('metadata/1.root.json');
    const stranger = await new Stranger().begin(first);
    expect(await stranger.fetch(target())).not.toBeNull();
    rig.fleet.rotate(role, now);
    expect(await stranger.fetch(target())).not.toBeNull();
    expect(await both(first)).toBe(true);
  });
});
