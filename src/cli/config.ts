import { writeFile } from 'node:fs/promises';
import { Command } from 'commander';
import { configJsonSchema } from '../config/json-schema';
import { loadConfig } from '../config/load';

export function configCommand(): Command {
  const command = new Command('config').description('check a configuration, or write the schema that editors use');
  command
    .command('check')
    .argument('<file>')
    .description('name every bad key at once; exit code 2 if there is one')
    .action(async (file: string) => {
      const loaded = await loadConfig(file);
      process.stdout.write(`${loaded.file} is a good configuration\n`);
    });
  command
    .command('schema')
    .option('-o, --output <file>', 'write to a file instead of standard output')
    .description('the JSON Schema of configuration files')
    .action(async (options: { output?: string }) => {
      const text = `${JSON.stringify(configJsonSchema(), null, 2)}\n`;
      if (options.output === undefined) process.stdout.write(text);
      else await writeFile(options.output, text);
    });
  return command;
}
