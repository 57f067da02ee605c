import { Guest, type GuestOptions } from '../../mqtt/link/guest';
import { FleetView, VIEW_FILTERS } from './view';
import { pollUntil } from '../../system/poll';

/** Retained messages arrive together; after this time without one, all have arrived. */
const QUIET_MS = 500;
const PATIENCE_MS = 30_000;

/**
 * Opens a view with everything that the broker has; close `guest` after use. A broker that drops messages for slow
 * subscribers (mosquitto: `max_queued_messages`) makes boxes missing in it.
 * @throws UsherError `broker-failed`
 */
export async function openView(broker: GuestOptions): Promise<{ view: FleetView; guest: Guest }> {
  const view = new FleetView();
  let heardAt = performance.now();
  const guest = await Guest.connect(broker, ({ topic, payload }) => {
    heardAt = performance.now();
    view.hear(topic, payload);
  });
  for (const filter of VIEW_FILTERS) await guest.subscribe(filter);
  await pollUntil(() => performance.now() - heardAt >= QUIET_MS, { everyMs: 50, withinMs: PATIENCE_MS });
  return { view, guest };
}
