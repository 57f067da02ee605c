import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Daemon, Installation, usher } from '../support/daemon';
import { entranceRecording } from '../support/entrance';
import { stopPlace, tortureStops } from '../proofs/stop/stop-torture';

test('every stop is whole: by the process, by its group, by both, during start, service and a decision', async () => {
  const place = await stopPlace(await entranceRecording());
  try {
    const seed = Math.floor(Math.random() * 2 ** 31);
    const tally = await tortureStops(place, { stops: 18, seed });
    expect(tally).toMatchObject({ stops: 18, late: 0 });
    expect(tally.whole + tally.early).toBe(18);
  } finally {
    await place.remove();
  }
}, 400_000);

test('an actuator that is signalled twice at once stops whole, too', async () => {
  const place = await Installation.make({});
  try {
    const key = join(place.dir, 'box');
    const { stdout } = await usher('actuator', 'key', '--from-box', key);
    const config = join(place.dir, 'actuator.yaml');
    await writeFile(
      config,
      JSON.stringify({
        device: { site: 'gym', id: 'box' },
        door: 'front',
        stateDir: 'state',
        trustedKeys: [stdout.trim()],
        broker: { url: 'mqtt://127.0.0.1:1' },
        relay: { type: 'command', on: ['/bin/true'], off: ['/bin/true'] },
      }),
    );
    const daemon = Daemon.spawn(place, 'actuator', 'run', '--config', config);
    await daemon.says(/actuator: started/);
    daemon.process.kill('SIGTERM');
    await daemon.says('stopping');
    daemon.process.kill('SIGTERM');
    // Node gives its signal handlers back a moment before the process is gone: the second signal may end it then, with all done.
    expect([0, null]).toContain(await daemon.exit);
    expect(daemon.log).toMatch(/ stopped\n$/);
  } finally {
    await place.remove();
  }
}, 60_000);
