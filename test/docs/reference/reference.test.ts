import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { actuatorJsonSchema } from '../../../src/actuator/config/schema';
import { configJsonSchema } from '../../../src/config/schema/json-schema';
import { packageRoot } from '../../../src/system/paths';
import { isNumber, type JsonSchema, nestedOf, unitOf } from './json-schema';
import { PAGES } from './pages';

describe('the generated pages of the reference', () => {
  test.each(Object.entries(PAGES))('%s is what the code makes: npm run build && npm run reference', (name, page) => {
    expect(readFileSync(join(packageRoot(), 'docs', 'reference', name), 'utf8')).toBe(page());
  });
});

describe.each([
  ['of a box', configJsonSchema()],
  ['of an actuator', actuatorJsonSchema()],
])('the configuration %s', (_, schema: JsonSchema) => {
  const keys = keysOf(schema, '');

  test('has a description for every key', () => {
    expect(keys.length).toBeGreaterThan(50);
    expect(
      keys.filter(({ schema: { description } }) => (description ?? '').length < 5).map(({ path }) => path),
    ).toEqual([]);
  });

  test('says the unit of every number, in its name or in its description', () => {
    const without = keys.filter(({ name, schema: key }) => isNumber(key) && unitOf(name, key) === null);
    expect(without.map(({ path }) => path)).toEqual([]);
  });
});

interface Key {
  readonly path: string;
  readonly name: string;
  readonly schema: JsonSchema;
}

/** Every key at every depth, in all variants of a section. */
function keysOf(schema: JsonSchema, path: string): Key[] {
  const nested = nestedOf(schema);
  if (nested === null) return [];
  return nested.objects.flatMap((object) =>
    Object.entries(object.properties ?? {}).flatMap(([name, value]) => {
      const full = `${path}${nested.step}.${name}`;
      return [{ path: full, name, schema: value }, ...keysOf(value, full)];
    }),
  );
}
