import { messageOf, systemCode, UsherError } from '../errors';

/** Of a defect of ours. */
const DEFECT = 70;
/** Commander's errors: what the caller wrote wrong. */
export const USAGE = 2;

/**
 * Tells the user what is wrong and what to do; with --json as one line of JSON.
 * @returns the exit code
 */
export function reportError(error: unknown, json = process.argv.includes('--json')): number {
  // Who reads has had enough; see system/output.ts.
  if (systemCode(error) === 'EPIPE') return 0;
  const exitCode = error instanceof UsherError ? error.exitCode : DEFECT;
  const remedy = error instanceof UsherError ? (error.remedy ?? null) : null;
  const code = error instanceof UsherError ? error.code : 'defect';
  if (json) writeJson(code, messageOf(error), remedy, exitCode);
  else {
    process.stderr.write(`usher: ${messageOf(error)}\n`);
    if (remedy !== null) process.stderr.write(`  → ${remedy}\n`);
  }
  // A defect of ours: the trace is for whoever mends it.
  if (exitCode === DEFECT) process.stderr.write(error instanceof Error ? `${error.stack ?? ''}\n` : '');
  return exitCode;
}

/**
 * What commander found wrong with the command line. The message comes last, where a person looks, and not above a page of help.
 * @param text commander's message @param command as it was typed: `usher fleet publish`
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
