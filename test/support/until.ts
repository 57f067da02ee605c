/** For what a machine takes that may be busy with other things for a minute. */
export const PATIENCE_MS = 180_000;

/** Polls until the state is reached. @throws Error that names what did not come, and what `detail` says */
export async function until(
  what: string,
  holds: () => boolean,
  { ms = PATIENCE_MS, everyMs = 20, detail = () => '' }: { ms?: number; everyMs?: number; detail?: () => string } = {},
): Promise<void> {
  const deadline = performance.now() + ms;
  while (!holds()) {
    if (performance.now() > deadline) throw new Error(`waited ${ms / 1000} s in vain for ${what}\n${detail()}`);
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}
