import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { checkValue, matches, parseBoxKey } from '../../../src/store/keys/box-key';
import { CredentialSource } from '../../../src/store/keys/credential-source';
import { FileSource } from '../../../src/store/keys/file-source';
import { boxKeySource } from '../../../src/store/keys/source';
import { TpmSource } from '../../../src/store/keys/tpm-source';
import { until } from '../../support/until';
import { failureOf } from '../fixtures';
import { withFolder } from '../harness';

const KEY = Buffer.alloc(32, 7);

describe('a box key', () => {
  it('is 32 bytes, raw or in hexadecimal digits, and nothing else', () => {
    expect(Buffer.from(parseBoxKey(KEY, 'x'))).toEqual(KEY);
    expect(Buffer.from(parseBoxKey(Buffer.from(`${KEY.toString('hex')}\n`), 'x'))).toEqual(KEY);
    for (const bad of ['', 'x'.repeat(33), 'g'.repeat(64), KEY.toString('base64'), `${KEY.toString('hex')}00`])
      expect(failureOf(() => parseBoxKey(Buffer.from(bad), 'there'))).toMatchObject({ code: 'key-unusable' });
  });

  it('is known by its check value, and no error tells it', () => {
    expect(matches(KEY, checkValue(KEY))).toBe(true);
    expect(matches(Buffer.alloc(32, 8), checkValue(KEY))).toBe(false);
    expect(matches(KEY, new Uint8Array(3))).toBe(false);
    expect(Buffer.from(checkValue(KEY)).includes(KEY)).toBe(false);
    const secret = 'deadbeef'.repeat(7);
    expect(JSON.stringify(failureOf(() => parseBoxKey(Buffer.from(secret), 'there')))).not.toContain('deadbeef');
  });
});

describe('the file source', () => {
  const withFile = (work: (source: FileSource, file: string) => void) => () =>
    withFolder((folder) => {
      const file = path.join(folder, 'keys', 'box.key');
      work(new FileSource(file), file);
    });

  it(
    'makes a private file, and exchanges it with nothing left of the old key',
    withFile((source, file) => {
      expect(source.read()).toEqual([]);
      source.create();
      const [first] = source.read();
      expect(first).toMatchObject({ slot: 'current', where: file });
      expect(statSync(file).mode & 0o777).toBe(0o600);
      expect(statSync(path.dirname(file)).mode & 0o777).toBe(0o700);
      const next = source.prepareNext();
      expect(next.key).not.toEqual(first!.key);
      expect(source.read().map(({ slot }) => slot)).toEqual(['next', 'current']);
      expect(source.promoteNext()).toBeNull();
      expect(source.read()).toEqual([{ slot: 'current', where: file, key: next.key }]);
    }),
  );

  it.each([0o640, 0o604, 0o660, 0o644])('refuses mode %o, with the remedy', (mode) =>
    withFile((source, file) => {
      source.create();
      chmodSync(file, mode);
      expect(failureOf(() => source.read())).toMatchObject({
        code: 'key-unusable',
        remedy: expect.stringContaining(`chmod 600 ${file}`) as string,
      });
    })(),
  );

  it(
    'refuses a link, a folder, a foreign file and a file that is no key',
    withFile((source, file) => {
      mkdirSync(file, { recursive: true });
      expect(failureOf(() => source.read()).code).toBe('key-unusable');
      const linked = path.join(path.dirname(file), 'linked');
      const target = path.join(path.dirname(file), 'target');
      writeFileSync(target, KEY, { mode: 0o600 });
      symlinkSync(target, linked);
      expect(failureOf(() => new FileSource(linked).read()).code).toBe('key-unusable');
      expect(new FileSource(target).read()).toHaveLength(1);
      if (process.getuid?.() === 0) {
        chownSync(target, 12345, 12345);
        expect(failureOf(() => new FileSource(target).read()).message).toContain('another account');
        chownSync(target, 0, 0);
      }
      writeFileSync(target, 'short');
      expect(failureOf(() => new FileSource(target).read()).message).toContain('contains no box key');
    }),
  );
});

describe('the credential source', () => {
  it('reads what systemd gives, and leaves making and exchanging to the operator', () =>
    withFolder((folder) => {
      const source = new CredentialSource(folder);
      expect(source.read()).toEqual([]);
      expect(failureOf(() => source.create()).remedy).toContain('LoadCredential');
      expect(failureOf(() => source.prepareNext()).remedy).toContain('usher-box-key-next');
      writeFileSync(path.join(folder, 'usher-box-key'), KEY, { mode: 0o400 });
      expect(source.read()).toMatchObject([{ slot: 'current' }]);
      writeFileSync(path.join(folder, 'usher-box-key-next'), Buffer.alloc(32, 9));
      expect(source.read().map(({ slot }) => slot)).toEqual(['next', 'current']);
      expect(source.promoteNext()).toContain('usher-box-key-next');
      expect(new CredentialSource(null).read()).toEqual([]);
    }));
});

describe('the TPM source', () => {
  /** Stands in for tpm2_unseal of tpm2-tools: writes the file's content, refuses what begins with "no". */
  const standIn = (folder: string): string => {
    const command = path.join(folder, 'stand-in-tpm2-unseal');
    writeFileSync(
      command,
      '#!/bin/sh\n[ "$1" = -c ] || exit 9\ncase "$(head -c 2 "$2")" in no) echo "ERROR: Esys_Unseal(0x99D)" >&2; exit 1;; esac\nexec cat "$2"\n',
      { mode: 0o700 },
    );
    return command;
  };

  it('asks tpm2_unseal, without a shell, for each sealed file', () =>
    withFolder((folder) => {
      // A shell would run this name.
      const file = path.join(folder, 'box; touch pwned.ctx');
      const source = new TpmSource(file, standIn(folder));
      expect(source.read()).toEqual([]);
      expect(failureOf(() => source.create()).remedy).toContain('tpm2_create');
      writeFileSync(file, KEY);
      expect(Buffer.from(source.read()[0]!.key)).toEqual(KEY);
      expect(failureOf(() => source.prepareNext()).remedy).toContain('.next');
      writeFileSync(`${file}.next`, Buffer.alloc(32, 9));
      expect(source.prepareNext().slot).toBe('next');
      expect(source.promoteNext()).toContain('mv');
    }));

  it('tells a TPM that refuses, too much output, and a missing tool, without what the tool wrote', () =>
    withFolder((folder) => {
      const file = path.join(folder, 'box.ctx');
      writeFileSync(file, 'no');
      expect(failureOf(() => new TpmSource(file, standIn(folder)).read())).toMatchObject({ code: 'key-unusable' });
      writeFileSync(file, 'secret!!'.repeat(100));
      const flood = failureOf(() => new TpmSource(file, standIn(folder)).read());
      expect(flood.code).toBe('key-unusable');
      expect(`${flood.message} ${JSON.stringify(flood)} ${String(flood.cause)}`).not.toContain('secret');
      expect(failureOf(() => new TpmSource(file, path.join(folder, 'none')).read())).toMatchObject({
        code: 'dependency-missing',
        remedy: expect.stringContaining('tpm2-tools') as string,
      });
    }));
});

/** A TPM in software (swtpm, from Debian), over the loopback interface; with the tools that an installer uses. */
class SoftwareTpm {
  private readonly dir = mkdtempSync(path.join(tmpdir(), 'usher-tpm-'));
  private readonly port = 20_000 + (process.pid % 20_000);
  private readonly env = { PATH: process.env['PATH'], TPM2TOOLS_TCTI: `swtpm:host=127.0.0.1,port=${this.port}` };
  private process: ChildProcess | null = null;
  readonly file = (name: string): string => path.join(this.dir, name);

  async boot(): Promise<void> {
    const socket = (port: number): string => `type=tcp,port=${port},bindaddr=127.0.0.1`;
    const [server, ctrl] = [socket(this.port), socket(this.port + 1)];
    const args = ['socket', '--tpm2', '--tpmstate', `dir=${this.dir}`, '--server', server, '--ctrl', ctrl];
    this.process = spawn('swtpm', [...args, '--flags', 'not-need-init,startup-clear'], { stdio: 'ignore' });
    const answers = (): boolean => spawnSync('tpm2_getrandom', ['--hex', '4'], { env: this.env }).status === 0;
    await until('the TPM to answer', answers, { ms: 20_000 });
  }

  async off(): Promise<void> {
    const running = this.process;
    if (running === null) return;
    const gone = once(running, 'exit');
    running.kill();
    await gone;
    this.process = null;
  }

  tool(name: string, ...args: string[]): void {
    // Without a resource manager between, each tool leaves its object loaded, and there is room for three.
    execFileSync('tpm2_flushcontext', ['-t'], { stdio: 'pipe', env: this.env });
    execFileSync(name, args, { cwd: this.dir, stdio: 'pipe', env: this.env });
  }

  /** tpm2_unseal itself, told where this TPM is. */
  unseal(): string {
    const command = this.file('unseal');
    const told = `TPM2TOOLS_TCTI=${this.env['TPM2TOOLS_TCTI']}`;
    writeFileSync(command, `#!/bin/sh\nexec env ${told} tpm2_unseal "$@"\n`, { mode: 0o700 });
    return command;
  }

  dispose(): void {
    this.process?.kill('SIGKILL');
    rmSync(this.dir, { recursive: true, force: true });
  }
}

const installed = (name: string): boolean => spawnSync(name, ['--version']).error === undefined;
const describeWithTpm = installed('swtpm') && installed('tpm2_unseal') ? describe : describe.skip;

describeWithTpm('the TPM source and a TPM in software', () => {
  const tpm = new SoftwareTpm();
  afterAll(() => tpm.dispose());

  it('opens what was sealed as the remedy says, over a reboot, and refuses what would not last so long', async () => {
    await tpm.boot();
    writeFileSync(tpm.file('secret'), KEY);
    tpm.tool('tpm2_createprimary', '-C', 'o', '-c', 'primary.ctx', '-Q');
    tpm.tool('tpm2_create', '-C', 'primary.ctx', '-i', 'secret', '-u', 'key.pub', '-r', 'key.priv', '-Q');
    tpm.tool('tpm2_load', '-C', 'primary.ctx', '-u', 'key.pub', '-r', 'key.priv', '-c', 'key.ctx', '-Q');
    tpm.tool('tpm2_evictcontrol', '-C', 'o', '-c', 'key.ctx', '-o', 'box.handle', '0x81010001');
    const source = new TpmSource(tpm.file('box.handle'), tpm.unseal());
    expect(Buffer.from(source.read()[0]!.key)).toEqual(KEY);
    expect(failureOf(() => new TpmSource(tpm.file('key.ctx'), tpm.unseal()).read())).toMatchObject({
      code: 'key-unusable',
      remedy: expect.stringContaining('tpm2_evictcontrol') as string,
    });
    await tpm.off();
    expect(failureOf(() => source.read())).toMatchObject({ code: 'key-unusable' });
    await tpm.boot();
    expect(Buffer.from(source.read()[0]!.key)).toEqual(KEY);
    await tpm.off();
  });
});

describe('the choice of a source', () => {
  it('auto takes the credential where there is one, else the file in the data folder', () =>
    withFolder((folder) => {
      const places = { dataDir: path.join(folder, 'data'), credentialsDir: folder };
      expect(boxKeySource({ source: 'auto' }, places)).toBeInstanceOf(FileSource);
      writeFileSync(path.join(folder, 'usher-box-key'), KEY);
      expect(boxKeySource({ source: 'auto' }, places)).toBeInstanceOf(CredentialSource);
      expect(boxKeySource({ source: 'auto' }, { ...places, credentialsDir: null })).toBeInstanceOf(FileSource);
      expect(boxKeySource({ source: 'tpm', file: '/x' }, places)).toBeInstanceOf(TpmSource);
      expect(failureOf(() => boxKeySource({ source: 'tpm' }, places)).code).toBe('config-invalid');
      const file = path.join(folder, 'elsewhere.key');
      boxKeySource({ source: 'file', file }, places).create();
      expect(readFileSync(file, 'latin1')).toMatch(/^[0-9a-f]{64}\n$/);
    }));
});
