import { setTimeout as delay } from 'node:timers/promises';
import { UsherError } from '../../errors';
import { Slots } from '../../fleet/update/slots';
import { holdDaemonLock } from '../../store/daemon-lock';

export interface RolledBack {
  readonly channel: string;
  /** Null: the installed version. */
  readonly version: string | null;
  /** True: the running daemon changed over. False: it counts from the daemon's next start. */
  readonly live: boolean;
}

const LOOK_MS = 100;

/**
 * Returns a channel to its previous version immediately: asks the daemon if one runs on this data folder, else changes
 * the folder itself.
 * @throws UsherError `usage` (no earlier version), `cancelled` (the daemon does not answer)
 */
export async function rollBack(dataDir: string, channel: string, waitMs = 60_000): Promise<RolledBack> {
  const slots = new Slots(dataDir);
  const before = slots.pointer(channel);
  if (before.active === null)
    throw new UsherError('usage', `${channel} runs the installed version; there is no update to undo`, {
      remedy: `Channels with an update: ${slots.channels.filter((one) => slots.pointer(one).active !== null).join(', ') || 'none'}.`,
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
  throw new UsherError('cancelled', `the daemon did not change over within ${waitMs / 1000} s`, {
    remedy: 'See its log. If it is stuck, stop it and run this command again.',
  });
}
