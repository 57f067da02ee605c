import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../src/system/paths';
import { freePort } from '../support/mosquitto';
import { stepsOf } from './tutorial-page';
import { TutorialShell } from './tutorial-shell';

/**
 * Follows the tutorials in the order in which a reader does; later ones use files of the first. The number is how many blocks of commands
 * are left out, each with its reason in the page: a block more or less is a change to look at.
 */
const PAGES: readonly (readonly [page: string, leftOut: number, commands: number])[] = [
  ['1-demo.md', 1, 2],
  ['2-first-door.md', 1, 10],
  ['3-first-word.md', 2, 4],
  ['4-home-assistant.md', 1, 4],
  ['5-first-fleet.md', 1, 9],
];

const folder = join(packageRoot(), 'docs', 'tutorials');
const shell = new TutorialShell();
afterAll(() => shell.dispose());
afterEach(() => shell.closeTerminals());

it('no tutorial is left out', () => {
  const pages = readdirSync(folder).filter((name) => name.endsWith('.md') && name !== 'index.md');
  expect(pages.sort()).toEqual(PAGES.map(([page]) => page).sort());
});

describe.each(PAGES)('%s', (page, leftOut, commands) => {
  const steps = stepsOf(readFileSync(join(folder, page), 'utf8'));

  it('says what it leaves to the reader', () => {
    const counted = { leftOut: 0, commands: 0 };
    for (const { kind } of steps)
      if (kind === 'skip') counted.leftOut++;
      else if (kind === 'run' || kind === 'start') counted.commands++;
    expect(counted).toEqual({ leftOut, commands });
  });

  it('works as it is written', async () => {
    shell.usePort(await freePort());
    for (const step of steps) await shell.follow(step);
  }, 600_000);
});
