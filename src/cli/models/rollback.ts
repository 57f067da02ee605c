import { setTimeout as delay } from 'node:timers/promises';
import { UsherError } from '../../errors';
import { Slots } from '../../fleet/update/slots';
import { holdDaemonLock } from '../../store/daemon-lock';

export interface RolledBack {
  readonly channel: string;
  /** Null: what the installation brought. */
  readonly version: string | null;
  /** By the daemon, live; else it counts from its next start. */
  readonly live: boolean;
}

const LOOK_MS = 100;

/**
 * The previous version of a channel back, at once: by the daemon where one runs on this data folder, else in its place.
 * @throws UsherError `usage` (nothing to go back from), `cancelled` (the daemon does not answer)
 */
export async function rollBack(dataDir: string, channel: string, waitMs = 60_000): Promise<RolledBack> {
  const slots = new Slots(dataDir);
  const before = slots.pointer(channel);
  if (before.active === null)
    throw new UsherError('usage', `${channel} runs what the installation brought: there is nothing to go back from`, {
      remedy: `Updates brought: ${slots.channels.filter((one) => slots.pointer(one).active !== null).join(', ') || 'nothing'}.`,
    });
  const version = before.previous?.version ?? null;
  let lock: ReturnType<typeof holdDaemonLock>;
  try {
    lock = holdDaemonLock(dataDir);
  } catch (error) {
    if (!(error instanceof UsherError && error.code === 'store-locked')) throw error;
    return { channel, version, live: await byDaemon(slots, channel, waitMs) };
  }
  try {
    slots.revert(channel);
  } finally {
    lock.release();
  }
  return { channel, version, live: false };
}

async function byDaemon(slots: Slots, channel: string, waitMs: number): Promise<true> {
  const active = slots.pointer(channel).active?.document;
  slots.order(channel);
  for (let waited = 0; waited < waitMs; waited += LOOK_MS) {
    await delay(LOOK_MS);
    if (slots.pointer(channel).active?.document !== active && !slots.ordered.includes(channel)) return true;
  }
  slots.settleOrder(channel);
  throw new UsherError('cancelled', `the daemon did not go back within ${waitMs / 1000} s`, {
    remedy: 'See its log. Stop it and give this command again: it then goes back by itself.',
  });
}
