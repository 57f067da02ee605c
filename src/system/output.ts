import { systemCode } from '../errors';

const gone = new AbortController();

/** Aborted when what reads standard output has ended: `usher fleet events | head`. */
export const outputGone: AbortSignal = gone.signal;

/**
 * Output that is no longer read is no error: a command goes on to its end and its exit code, a daemon without its log goes on
 * guarding its door. To be called once, before anything is written.
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
