import { messageOf, systemCode, UsherError } from '../errors';

/** Exit code of a defect in usher itself (EX_SOFTWARE). */
const DEFECT = 70;
/** Exit code of a wrong command line. */
export const USAGE = 2;

/**
 * Tells the user what is wrong and what to do, as one line of JSON with `--json`.
 * @returns the exit code
 */
export function reportError(error: unknown, json = process.argv.includes('--json')): number {
  // The reader closed the pipe; see system/output.ts.
  if (systemCode(error) === 'EPIPE') return 0;
  const exitCode = error instanceof UsherError ? error.exitCode : DEFECT;
  const remedy = error instanceof UsherError ? (error.remedy ?? null) : null;
  const code = error instanceof UsherError ? error.code : 'defect';
  if (json) writeJson(code, messageOf(error), remedy, exitCode);
  else {
    process.stderr.write(`usher: ${messageOf(error)}\n`);
    if (remedy !== null) process.stderr.write(`  → ${remedy}\n`);
  }
  // A defect in usher: the stack trace is for the developer.
  if (exitCode === DEFECT) process.stderr.write(error instanceof Error ? `${error.stack ?? ''}\n` : '');
  return exitCode;
}

/**
 * Reports what commander found wrong with the command line: the message and how to get help. It prints no help page,
 * which would hide the message.
 * @param text commander's message
 * @param command as it was typed: `usher fleet publish`
 */
export function reportUsage(text: string, command: string, json = process.argv.includes('--json')): void {
  const message = text.trim().replace(/^error: /, '');
  const remedy = `${command} --help`;
  if (json) writeJson('usage', message, remedy, USAGE);
  else process.stderr.write(`usher: ${message}\n  → ${remedy}\n`);
}

function writeJson(code: string, message: string, remedy: string | null, exitCode: number): void {
  process.stderr.write(`${JSON.stringify({ error: { code, message, remedy, exitCode } })}\n`);
}
