import { writeFile } from 'node:fs/promises';
import { Command } from 'commander';
import { stringify } from 'yaml';
import { configJsonSchema } from '../../config/schema/json-schema';
import { loadConfig } from '../../config/load/load';
import { asyncApiDocument } from '../../mqtt/topics/asyncapi';
import { installed, packageVersion } from '../../system/paths';
import { newConfig } from './new';
import { checkedConfig } from './places';

export function configCommand(): Command {
  const standard = installed()?.config;
  const command = new Command('config').description('write or check a configuration, or write the schemas');
  command
    .command('check')
    .argument('<file>')
    .option('--elsewhere', 'the configuration is for another machine: do not check folders on this one')
    .description('report every bad key at once; exit code 2 if there is one')
    .action(async (file: string, options: { elsewhere?: boolean }) => {
      process.stdout.write(await checkedConfig(await loadConfig(file), options.elsewhere !== true));
    });
  command
    .command('new')
    .argument('[file]', `a file that does not exist yet${standard === undefined ? '' : ` (default: ${standard})`}`)
    .option('--actuator', 'write the configuration of an actuator')
    .description('write a commented configuration with paths that fit its folder')
    .action(newConfig);
  command
    .command('schema')
    .option('-o, --output <file>', 'write to a file instead of standard output')
    .description('print the JSON Schema of configuration files')
    .action(async (options: { output?: string }) => {
      await deliver(`${JSON.stringify(configJsonSchema(), null, 2)}\n`, options.output);
    });
  command
    .command('asyncapi')
    .option('-o, --output <file>', 'write to a file instead of standard output')
    .description('print the AsyncAPI 3 description of every MQTT topic')
    .action(async (options: { output?: string }) => {
      // No aliases, because some AsyncAPI tools cannot read them. No folding, because one line a value keeps diffs
      // small.
      const yaml = stringify(asyncApiDocument(packageVersion()), { aliasDuplicateObjects: false, lineWidth: 0 });
      await deliver(yaml, options.output);
    });
  return command;
}

async function deliver(text: string, file: string | undefined): Promise<void> {
  if (file === undefined) process.stdout.write(text);
  else await writeFile(file, text);
}
