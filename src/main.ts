#!/usr/bin/env node
import './system/require-node';
import { Command, CommanderError } from 'commander';
import { reportError, reportUsage, USAGE } from './terminal/report-error';
import { ignoreBrokenPipes } from './system/output';
import { packageVersion } from './system/paths';

/**
 * One module a command, loaded when its command was typed: the daemon starts sooner, and holds no picture decoder and no training
 * library because another command needs one.
 */
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  run: async () => (await import('./cli/run.js')).runCommand(),
  demo: () => inLaboratory('demo'),
  doctor: async () => (await import('./cli/doctor/doctor.js')).doctorCommand(),
  enroll: async () => (await import('./cli/members/enroll.js')).enrollCommand(),
  members: async () => (await import('./cli/members/members.js')).membersCommand(),
  clock: async () => (await import('./cli/store/clock.js')).clockCommand(),
  retention: async () => (await import('./cli/store/retention.js')).retentionCommand(),
  keys: async () => (await import('./cli/store/keys.js')).keysCommand(),
  audit: async () => (await import('./cli/audit/audit.js')).auditCommand(),
  models: async () => (await import('./cli/models/models.js')).modelsCommand(),
  eval: () => inLaboratory('eval'),
  bench: () => inLaboratory('bench'),
  stylise: async () => (await import('./cli/stylise.js')).styliseCommand(),
  train: () => inLaboratory('train'),
  actuator: async () => (await import('./cli/actuator/actuator.js')).actuatorCommand(),
  record: () => inLaboratory('record'),
  reader: async () => (await import('./cli/reader.js')).readerCommand(),
  command: async () => (await import('./cli/command.js')).commandCommand(),
  'command-key': async () => (await import('./cli/command.js')).commandKeyCommand(),
  config: async () => (await import('./cli/config/config.js')).configCommand(),
  fleet: async () => (await import('./cli/fleet/fleet.js')).fleetCommand(),
};

async function inLaboratory(name: 'train' | 'eval' | 'bench' | 'record' | 'demo'): Promise<Command> {
  return (await import('./terminal/laboratory.js')).laboratoryCommand(name);
}

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
  ignoreBrokenPipes();
  await (await programFor(process.argv[2])).parseAsync();
}

main().catch((error: unknown) => {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? 0 : USAGE;
    return;
  }
  process.exitCode = reportError(error);
});
