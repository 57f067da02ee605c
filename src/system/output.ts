import { systemCode } from '../errors';

const gone = new AbortController();

/** Aborted when the reader of standard output has ended: `usher fleet events | head`. */
export const outputGone: AbortSignal = gone.signal;

/**
 * A closed output is no error: a command continues to its end and exit code, and a daemon without its log still guards
 * its door. Call it once, before the first write.
 */
export function ignoreBrokenPipes(): void {
  const heed = (error: Error): void => {
    if (systemCode(error) !== 'EPIPE') throw error;
  };
  process.stderr.on('error', heed);
  process.stdout.on('error', (error: Error) => {
    heed(error);
    gone.abort();
  });
}
