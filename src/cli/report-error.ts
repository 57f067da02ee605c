import { messageOf, UsherError } from '../errors';
import { secrets } from '../secrets';

/** Tells whoever typed the command what is wrong and what to do. @returns the exit code */
export function reportError(error: unknown): number {
  process.stderr.write(`usher: ${messageOf(error)}\n`);
  if (error instanceof UsherError) {
    if (error.remedy !== undefined) process.stderr.write(`  → ${secrets.hide(error.remedy)}\n`);
    return error.exitCode;
  }
  // A defect of ours: the trace is for whoever mends it.
  process.stderr.write(error instanceof Error ? `${secrets.hide(error.stack ?? '')}\n` : '');
  return 70;
}
