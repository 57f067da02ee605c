#!/usr/bin/env node
import { Command, CommanderError } from 'commander';
import { actuatorCommand } from './cli/actuator';
import { benchCommand } from './cli/bench';
import { auditCommand } from './cli/audit';
import { commandCommand, commandKeyCommand } from './cli/command';
import { configCommand } from './cli/config';
import { demoCommand } from './cli/demo';
import { doctorCommand } from './cli/doctor';
import { enrollCommand } from './cli/enroll';
import { keysCommand } from './cli/keys';
import { membersCommand } from './cli/members';
import { evalCommand } from './cli/eval';
import { modelsCommand } from './cli/models';
import { readerCommand } from './cli/reader';
import { runCommand } from './cli/run';
import { messageOf, UsherError } from './errors';
import { packageVersion } from './system/paths';

const program = new Command('usher')
  .description('Recognises members at a door and says so over MQTT.')
  .version(packageVersion())
  .showHelpAfterError()
  .addCommand(runCommand())
  .addCommand(demoCommand())
  .addCommand(doctorCommand())
  .addCommand(enrollCommand())
  .addCommand(membersCommand())
  .addCommand(keysCommand())
  .addCommand(auditCommand())
  .addCommand(modelsCommand())
  .addCommand(evalCommand())
  .addCommand(benchCommand())
  .addCommand(actuatorCommand())
  .addCommand(readerCommand())
  .addCommand(commandCommand())
  .addCommand(commandKeyCommand())
  .addCommand(configCommand());

/** Commander ends the process by itself, and with 1 for what the caller wrote wrong; here every end goes one way. */
function letErrorsThrough(command: Command): void {
  command.exitOverride();
  command.commands.forEach(letErrorsThrough);
}
letErrorsThrough(program);

program.parseAsync().catch((error: unknown) => {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? 0 : 2;
    return;
  }
  process.stderr.write(`usher: ${messageOf(error)}\n`);
  if (error instanceof UsherError) {
    if (error.remedy !== undefined) process.stderr.write(`  → ${error.remedy}\n`);
    process.exitCode = error.exitCode;
  } else {
    // A defect of ours: the trace is for whoever mends it.
    process.stderr.write(error instanceof Error ? `${error.stack ?? ''}\n` : '');
    process.exitCode = 70;
  }
});
