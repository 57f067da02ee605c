#!/usr/bin/env node
import './system/require-node';
import { type Command, CommanderError } from 'commander';
import { programFor } from './cli/program';
import { reportError, reportUsage, USAGE } from './terminal/report-error';
import { ignoreBrokenPipes } from './system/output';

/** Commander ends the process by itself, and with 1 for what the caller wrote wrong; here every end goes one way. */
function letErrorsThrough(command: Command, path: string): void {
  command.exitOverride().configureOutput({ outputError: (text) => reportUsage(text, path) });
  for (const one of command.commands) letErrorsThrough(one, `${path} ${one.name()}`);
}

async function main(): Promise<void> {
  ignoreBrokenPipes();
  const program = await programFor(process.argv[2]);
  letErrorsThrough(program, 'usher');
  await program.parseAsync();
}

main().catch((error: unknown) => {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? 0 : USAGE;
    return;
  }
  process.exitCode = reportError(error);
});
