import { Command } from 'commander';
import { setTimeout as delay } from 'node:timers/promises';
import { App } from '../app';
import { loadConfig } from '../config/load';
import type { UsherError } from '../errors';
import { feedWatchdog } from '../system/health-watchdog';
import { createLog } from '../system/log';
import { serviceManager } from '../system/sd-notify';
import { untilStopped } from '../system/signals';

/** A camera that is not there must not keep the box from counting as started: its other doors work. */
const CAMERAS_GRACE_MS = 60_000;

export function runCommand(): Command {
  return new Command('run')
    .description('watch the doors: the daemon')
    .requiredOption('-c, --config <file>', 'configuration, e.g. device-config/gym-entrance.yaml')
    .option('--check', 'check the configuration and end')
    .action(async (options: { config: string; check?: boolean }) => {
      const loaded = await loadConfig(options.config);
      if (options.check === true) {
        process.stdout.write(`${loaded.file} is a good configuration\n`);
        return;
      }
      const log = createLog({ ...loaded.config.log, write: (line) => process.stderr.write(line) });
      const manager = serviceManager(process.env, process.pid, (why) => log.warn('the service manager', { why }));
      const app = new App(loaded, log);
      // Listening before starting: a SIGTERM half-way through must take down what is already up.
      const stopped = untilStopped();
      const started = app.start();
      const first = await Promise.race([
        started.then(() => 'started' as const),
        stopped.then(() => 'stopped' as const),
      ]);
      if (first === 'started') {
        log.info('started', {
          broker: app.brokerUrl,
          site: loaded.config.device.site,
          device: loaded.config.device.id,
        });
        void app.whenReady.then(() => log.info('ready', { afterMs: Math.round(performance.now()) }));
        const waited = delay(CAMERAS_GRACE_MS, undefined, { ref: false });
        if ((await Promise.race([app.whenReady, waited, stopped])) === undefined) {
          void manager.ready();
          const silence = feedWatchdog(
            manager,
            () => app.stalled,
            (parts) => (parts === '' ? log.info('progress again') : log.error('no progress', { parts })),
          );
          await stopped;
          silence();
        }
      }
      void manager.stopping();
      log.info('stopping');
      await Promise.all([app.stop(), started.catch((error: unknown) => (error as UsherError).code)]);
      log.info('stopped');
    });
}
