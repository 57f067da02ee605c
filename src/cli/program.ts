import { Command } from 'commander';
import { packageVersion } from '../system/paths';

/**
 * One module a command, loaded when its command was typed: the daemon starts sooner, and holds no picture decoder and no training
 * library because another command needs one.
 */
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  run: async () => (await import('./run.js')).runCommand(),
  demo: () => inLaboratory('demo'),
  doctor: async () => (await import('./doctor/doctor.js')).doctorCommand(),
  enroll: async () => (await import('./members/enroll.js')).enrollCommand(),
  members: async () => (await import('./members/members.js')).membersCommand(),
  clock: async () => (await import('./store/clock.js')).clockCommand(),
  retention: async () => (await import('./store/retention.js')).retentionCommand(),
  keys: async () => (await import('./store/keys.js')).keysCommand(),
  audit: async () => (await import('./audit/audit.js')).auditCommand(),
  models: async () => (await import('./models/models.js')).modelsCommand(),
  eval: () => inLaboratory('eval'),
  bench: () => inLaboratory('bench'),
  stylise: async () => (await import('./stylise.js')).styliseCommand(),
  train: () => inLaboratory('train'),
  actuator: async () => (await import('./actuator/actuator.js')).actuatorCommand(),
  record: () => inLaboratory('record'),
  reader: async () => (await import('./reader.js')).readerCommand(),
  command: async () => (await import('./command.js')).commandCommand(),
  'command-key': async () => (await import('./command.js')).commandKeyCommand(),
  config: async () => (await import('./config/config.js')).configCommand(),
  fleet: async () => (await import('./fleet/fleet.js')).fleetCommand(),
};

async function inLaboratory(name: 'train' | 'eval' | 'bench' | 'record' | 'demo'): Promise<Command> {
  return (await import('../terminal/laboratory.js')).laboratoryCommand(name);
}

function commandsFor(typed: string | undefined): (() => Promise<Command>)[] {
  const wanted = typed !== undefined && Object.hasOwn(COMMANDS, typed) ? COMMANDS[typed] : undefined;
  return wanted === undefined ? Object.values(COMMANDS) : [wanted];
}

/** The names that Commander gives the option. */
const VERSION_OPTIONS = ['-V', '--version'];

/**
 * The command line, with the command that was typed alone; with all of them for help, and where no such command exists;
 * with none for the version.
 * @param typed the first argument
 */
export async function programFor(typed: string | undefined): Promise<Command> {
  const program = new Command('usher')
    .description('Recognises members at a door and says so over MQTT.')
    .version(packageVersion());
  if (typed === undefined || !VERSION_OPTIONS.includes(typed))
    for (const load of commandsFor(typed)) program.addCommand(await load());
  return program;
}
