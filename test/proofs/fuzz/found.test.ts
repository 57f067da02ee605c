import { parseConfig } from '../../../src/config/load/load';
import { UsherError } from '../../../src/errors';

/** Inputs that the fuzzer found, so that they stay found. */
describe('found before', () => {
  it.each([
    ['mappings', `a: ${'b: '.repeat(5000)}`],
    [
      'mappings below one another',
      Array.from({ length: 2000 }, (_, depth) => `${' '.repeat(depth)}a:`)
        .join('\n')
        .slice(0, 200_000),
    ],
    ['sequences', '- '.repeat(20_000)],
    ['flow sequences', '['.repeat(20_000)],
    ['keys that are mappings', '? '.repeat(40) + 'a'],
    ['keys that are flow mappings', '? {'.repeat(40) + '}'.repeat(40)],
    ['flow mappings', '{a: '.repeat(20_000)],
  ])('a configuration of nothing but nested %s is told to be none', (_, text) => {
    expect(() => parseConfig(text, 'deep.yaml')).toThrow(UsherError);
  });

  it('is refused before the parser runs out of stack, where V8 may end the process', () => {
    expect(() => parseConfig('- '.repeat(201), 'deep.yaml')).toThrow('nested more than 200 deep');
    expect(() => parseConfig('['.repeat(201), 'deep.yaml')).toThrow('nested more than 200 deep');
    expect(() => parseConfig(`a: |\n  ${'-'.repeat(300)}\n`, 'flat.yaml')).not.toThrow('deep');
  });
});
