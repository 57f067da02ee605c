import { writeFile } from 'node:fs/promises';
import { Command } from 'commander';
import { stringify } from 'yaml';
import { configJsonSchema } from '../config/json-schema';
import { loadConfig } from '../config/load';
import { checkWords } from './check-words';
import { asyncApiDocument } from '../mqtt/asyncapi';
import { packageVersion } from '../system/paths';

export function configCommand(): Command {
  const command = new Command('config').description('check a configuration, or write the schemas that others use');
  command
    .command('check')
    .argument('<file>')
    .description('name every bad key at once; exit code 2 if there is one')
    .action(async (file: string) => {
      const loaded = await loadConfig(file);
      await checkWords(loaded);
      process.stdout.write(`${loaded.file} is a good configuration\n`);
    });
  command
    .command('schema')
    .option('-o, --output <file>', 'write to a file instead of standard output')
    .description('the JSON Schema of configuration files')
    .action(async (options: { output?: string }) => {
      await deliver(`${JSON.stringify(configJsonSchema(), null, 2)}\n`, options.output);
    });
  command
    .command('asyncapi')
    .option('-o, --output <file>', 'write to a file instead of standard output')
    .description('the AsyncAPI 3 description of every MQTT topic')
    .action(async (options: { output?: string }) => {
      // No aliases: tools that read AsyncAPI do not all know them. No folding: a line a value keeps changes small.
      const yaml = stringify(asyncApiDocument(packageVersion()), { aliasDuplicateObjects: false, lineWidth: 0 });
      await deliver(yaml, options.output);
    });
  return command;
}

async function deliver(text: string, file: string | undefined): Promise<void> {
  if (file === undefined) process.stdout.write(text);
  else await writeFile(file, text);
}
