import fc from 'fast-check';
import { canonicalJson, signedBytes } from '../src/canonical';

describe('RFC 8785', () => {
  test('the example of its section 3.2.2 and 3.2.3', () => {
    const value = {
      numbers: [333333333.33333329, 1e30, 4.5, 2e-3, 0.000000000000000000000000001],
      string: '\u20ac$\u000F\u000aA\'\u0042\u0022\u005c\\"\/',
      literals: [null, true, false],
    };
    expect(canonicalJson(value)).toBe(
      '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
    );
  });

  test('keys are sorted by UTF-16 code units: the example of its section 3.2.3', () => {
    const value = {
      '\u20ac': 'Euro Sign',
      '\r': 'Carriage Return',
      '\ufb33': 'Hebrew Letter Dalet With Dagesh',
      '1': 'One',
      '\ud83d\ude00': 'Emoji: Grinning Face',
      '\u0080': 'Control',
      '\u00f6': 'Latin Small Letter O With Diaeresis',
    };
    const order = Object.values(JSON.parse(canonicalJson(value)) as Record<string, string>).map(
      (name) => name.split(' ')[0],
    );
    // JSON.parse puts keys that are numbers first; the text itself tells about the rest.
    expect(canonicalJson(value).indexOf('\\r')).toBeLessThan(canonicalJson(value).indexOf('"1"'));
    expect(order.filter((name) => name !== 'One')).toEqual([
      'Carriage',
      'Control',
      'Latin',
      'Euro',
      'Emoji:',
      'Hebrew',
    ]);
  });

  test('minus zero is zero', () => {
    expect(canonicalJson([-0])).toBe('[0]');
  });
});

const plain = fc.jsonValue({ maxDepth: 5, noUnicodeString: false }).filter((value) => {
  try {
    canonicalJson(value);
    return true;
  } catch {
    return false;
  }
});

/** The same value with the keys of every object put in the opposite order. */
function turned(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(turned);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, member]) => [key, turned(member)]),
  );
}

describe('for every value', () => {
  test('the text is JSON of that value', () => {
    fc.assert(
      fc.property(plain, (value) => {
        expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  test('the order in which keys were written does not matter, nor does a journey over JSON', () => {
    fc.assert(
      fc.property(plain, (value) => {
        expect(canonicalJson(turned(value))).toBe(canonicalJson(value));
        expect(canonicalJson(JSON.parse(JSON.stringify(value)))).toBe(canonicalJson(value));
      }),
    );
  });

  test('different values have different texts', () => {
    fc.assert(
      fc.property(plain, plain, (a, b) => {
        // As JSON knows no minus zero.
        const plainOf = (value: unknown): unknown => JSON.parse(JSON.stringify(value));
        expect(canonicalJson(a) === canonicalJson(b)).toBe(equal(plainOf(a), plainOf(b)));
      }),
    );
  });
});

function equal(a: unknown, b: unknown): boolean {
  try {
    expect(a).toEqual(b);
    return true;
  } catch {
    return false;
  }
}

describe('refuses what has no JSON of its own', () => {
  const hole: unknown[] = [1];
  hole[2] = 3;
  const deep: unknown[] = [];
  let at = deep;
  for (let i = 0; i < 40; i++) {
    const next: unknown[] = [];
    at.push(next);
    at = next;
  }
  test.each<[string, unknown]>([
    ['NaN', NaN],
    ['an infinity', [Infinity]],
    ['undefined', undefined],
    ['undefined in an object, which JSON.stringify would leave out', { a: undefined }],
    ['a hole in an array', hole],
    ['a bigint', 1n],
    ['a function', { f: () => 1 }],
    ['a lone surrogate', 'a\ud800'],
    ['a lone surrogate in a key', { '\udc00': 1 }],
    ['a Date', new Date(0)],
    ['a Map', new Map()],
    ['an instance', new URL('https://example.org')],
    ['a value nested too deep', deep],
  ])('%s', (_, value) => {
    expect(() => canonicalJson(value)).toThrow(TypeError);
  });
});

test('what is signed begins with its domain, so that one kind of statement cannot stand for another', () => {
  expect(signedBytes('usher-unlock-v1', { b: 1, a: 'x' }).toString()).toBe('usher-unlock-v1\n{"a":"x","b":1}');
  for (const domain of ['usher-unlock-v1\n', 'usher--v', 'other-unlock-v1', 'usher-Unlock-v1'])
    expect(() => signedBytes(domain as 'usher-x-v1', {})).toThrow(TypeError);
});
