#!/usr/bin/env node
import './system/require-node';
import { Command, CommanderError } from 'commander';
import { reportError, reportUsage, USAGE } from './cli/report-error';
import { bearBrokenPipes } from './system/output';
import { packageVersion } from './system/paths';

/**
 * One module a command, loaded when its command was typed: the daemon starts sooner, and holds no picture decoder and no training
 * library because another command needs one.
 */
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  run: async () => (await import('./cli/run.js')).runCommand(),
  demo: async () => (await import('./cli/demo.js')).demoCommand(),
  doctor: async () => (await import('./cli/doctor.js')).doctorCommand(),
  enroll: async () => (await import('./cli/enroll.js')).enrollCommand(),
  members: async () => (await import('./cli/members.js')).membersCommand(),
  clock: async () => (await import('./cli/clock.js')).clockCommand(),
  retention: async () => (await import('./cli/retention.js')).retentionCommand(),
  keys: async () => (await import('./cli/keys.js')).keysCommand(),
  audit: async () => (await import('./cli/audit.js')).auditCommand(),
  models: async () => (await import('./cli/models.js')).modelsCommand(),
  eval: async () => (await import('./cli/eval.js')).evalCommand(),
  bench: async () => (await import('./cli/bench.js')).benchCommand(),
  stylise: async () => (await import('./cli/stylise.js')).styliseCommand(),
  train: async () => (await import('./cli/train.js')).trainCommand(),
  actuator: async () => (await import('./cli/actuator.js')).actuatorCommand(),
  record: async () => (await import('./cli/record.js')).recordCommand(),
  reader: async () => (await import('./cli/reader.js')).readerCommand(),
  command: async () => (await import('./cli/command.js')).commandCommand(),
  'command-key': async () => (await import('./cli/command.js')).commandKeyCommand(),
  config: async () => (await import('./cli/config.js')).configCommand(),
  fleet: async () => (await import('./cli/fleet.js')).fleetCommand(),
};

/** All of them for help, and where what was typed is none. */
async function programFor(typed: string | undefined): Promise<Command> {
  const program = new Command('usher')
    .description('Recognises members at a door and says so over MQTT.')
    .version(packageVersion());
  const wanted = typed !== undefined && Object.hasOwn(COMMANDS, typed) ? COMMANDS[typed] : undefined;
  for (const load of wanted === undefined ? Object.values(COMMANDS) : [wanted]) program.addCommand(await load());
  letErrorsThrough(program, 'usher');
  return program;
}

/** Commander ends the process by itself, and with 1 for what the caller wrote wrong; here every end goes one way. */
function letErrorsThrough(command: Command, path: string): void {
  command.exitOverride().configureOutput({ outputError: (text) => reportUsage(text, path) });
  for (const one of command.commands) letErrorsThrough(one, `${path} ${one.name()}`);
}

async function main(): Promise<void> {
  bearBrokenPipes();
  await (await programFor(process.argv[2])).parseAsync();
}

main().catch((error: unknown) => {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? 0 : USAGE;
    return;
  }
  process.exitCode = reportError(error);
});
