import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { actuatorJsonSchema, ActuatorSchema } from '../../src/config/actuator';
import { loadActuatorConfig, parseActuatorConfig } from '../../src/config/load-actuator';
import { packageRoot } from '../../src/system/paths';

const folder = join(packageRoot(), 'device-config');
const example = join(folder, 'actuator.yaml');
const text = readFileSync(example, 'utf8');

test('the commented example is a good configuration, with the defaults that it says', async () => {
  const { config, stateDir } = await loadActuatorConfig(example);
  expect(stateDir).toBe(join(folder, '.usher-actuator'));
  const { device, door, broker, trustedKeys } = config;
  const least = { device, door, broker: { url: broker.url }, trustedKeys, relay: { type: 'gpio', line: 17 } };
  expect(ActuatorSchema.parse(least)).toEqual(config);
});

test('the schema for editors is this one', () => {
  expect(JSON.parse(readFileSync(join(folder, 'actuator.schema.json'), 'utf8'))).toEqual(actuatorJsonSchema());
});

test('every bad key is named at once', () => {
  const bad = text
    .replace('door: front', 'door: Front Door')
    .replace('line: 17', 'line: many')
    .replace('maxOpenMs: 10000', 'maxOpenMs: 1000000');
  let message = '';
  try {
    parseActuatorConfig(bad, 'actuator.yaml');
  } catch (error) {
    message = (error as Error).message;
  }
  for (const key of ['door', 'relay.line', 'limits.maxOpenMs']) expect(message).toContain(`  ${key} (line `);
  expect(message).toContain('3 bad keys');
});
