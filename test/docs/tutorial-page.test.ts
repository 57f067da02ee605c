import { stepsOf } from './tutorial-page';

const fenced = (language: string, ...lines: string[]): string => ['```' + language, ...lines, '```'].join('\n');

describe('the steps of a tutorial', () => {
  it('are its blocks of commands, its files and what it waits for, in order', () => {
    const page = [
      '# Title',
      fenced('sh', 'usher --help', 'usher --version'),
      '<!-- test: write my/door.yaml -->',
      '',
      fenced('yaml', 'door: front'),
      '<!-- test: second terminal -->',
      fenced('sh', 'usher run'),
      '<!-- test: wait for "usher: ready" -->',
      '<!-- test: not run: needs a camera -->',
      fenced('sh', 'usher enroll --camera entrance'),
      fenced('text', 'usher: ready'),
    ].join('\n');
    expect(stepsOf(page)).toEqual([
      { kind: 'run', line: 2, script: 'usher --help\nusher --version\n' },
      { kind: 'write', line: 8, file: 'my/door.yaml', text: 'door: front\n' },
      { kind: 'start', line: 12, command: 'usher run' },
      { kind: 'wait', line: 15, text: 'usher: ready' },
      { kind: 'skip', line: 17, reason: 'needs a camera' },
    ]);
  });

  it('keep their text without the indent of a list', () => {
    const page = ['1. Run:', '', '   ```sh', '   usher --help', '   ```'].join('\n');
    expect(stepsOf(page)).toEqual([{ kind: 'run', line: 3, script: 'usher --help\n' }]);
  });

  it.each([
    ['a block of commands that is called by another name', fenced('bash', 'usher run')],
    ['a block without a language', fenced('', 'usher run')],
    ['a misspelt marker', `<!-- test: dont run -->\n${fenced('sh', 'usher run')}`],
    ['a block that is left out without a reason', `<!-- test: not run -->\n${fenced('sh', 'usher run')}`],
    ['a marker with no block below', '<!-- test: second terminal -->\nSome text.'],
    ['two commands for a second terminal', `<!-- test: second terminal -->\n${fenced('sh', 'usher run', 'usher run')}`],
    ['a block without an end', '```sh\nusher run'],
  ])('are refused for %s', (_, page) => {
    expect(() => stepsOf(page)).toThrow(/^line \d+: /);
  });
});
