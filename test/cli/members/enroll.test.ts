import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Command, CommanderError } from 'commander';
import { enrollCommand } from '../../../src/cli/members/enroll';
import { Store } from '../../../src/store/store';

let folder: string;
let config: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'usher-enroll-'));
  config = path.join(folder, 'usher.yaml');
  mkdirSync(path.join(folder, 'models'));
  writeFileSync(
    config,
    'device: { site: s, id: d }\ndataDir: data\nmodels: { dir: models }\n' +
      'cameras: [{ id: front, source: { type: folder, path: p } }]\ndoors: [{ id: d, camera: front, mode: identify }]\n',
  );
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const enroll = (...args: string[]): Promise<unknown> => {
  const command = enrollCommand()
    .exitOverride()
    .configureOutput({ writeErr: () => undefined });
  const consent = args.includes('--no-consent') ? [] : ['--consent-text', '1', '--consent-by', 'desk'];
  const given = args.filter((arg) => arg !== '--no-consent');
  return new Command('usher')
    .addCommand(command)
    .parseAsync(['enroll', '--config', config, ...consent, ...given], { from: 'user' });
};

describe('usher enroll', () => {
  it.each([
    ['no source', 'usage', ['--id', 'a', '--name', 'A']],
    ['two sources', 'usage', ['--id', 'a', '--name', 'A', '--camera', 'front', 'a.jpg']],
    ['an unknown camera', 'usage', ['--id', 'a', '--name', 'A', '--camera', 'back']],
    ['too many photos', 'usage', ['--id', 'a', '--name', 'A', ...Array.from({ length: 21 }, () => 'a.jpg')]],
    ['a bad id', 'usage', ['--id', 'a b', '--name', 'A', 'a.jpg']],
    ['no name', 'usage', ['--id', 'a', 'a.jpg']],
    ['no consent', 'usage', ['--no-consent', '--id', 'a', '--name', 'A', 'a.jpg']],
    ['half a consent', 'usage', ['--no-consent', '--consent-text', '1', '--id', 'a', '--name', 'A', 'a.jpg']],
    ['no models', 'model-missing', ['--id', 'a', '--name', 'A', 'a.jpg']],
  ])('fails with %s and enrols nobody', async (_, code, args) => {
    await expect(enroll(...args)).rejects.toMatchObject({ code });
    const store = Store.open(path.join(folder, 'data'));
    expect(store.members.list()).toEqual([]);
    store.close();
  });

  it('tells that a member is there before it loads any model', async () => {
    const store = Store.open(path.join(folder, 'data'));
    store.members.add({ id: 'a', name: 'A' });
    store.close();
    await expect(enroll('--id', 'a', '--name', 'A', 'a.jpg')).rejects.toMatchObject({ code: 'member-exists' });
    await expect(enroll('--id', 'a', '--replace', 'a.jpg')).rejects.toMatchObject({ code: 'model-missing' });
  });

  it.each([
    ['--frames', '0'],
    ['--frames', '1.5'],
    ['--seconds', 'soon'],
    ['--seconds', '601'],
  ])('refuses %s %s', async (option, value) => {
    await expect(enroll('--id', 'a', '--name', 'A', '--camera', 'front', option, value)).rejects.toThrow(
      CommanderError,
    );
  });
});
