import { Command } from 'commander';
import { setTimeout as delay } from 'node:timers/promises';
import { App } from '../daemon/app';
import { loadConfig, type LoadedConfig } from '../config/load/load';
import { messageOf, UsherError } from '../errors';
import { checkedConfig } from './config/places';
import { type EffectiveConfig, startUnder } from '../fleet/update/effective-config';
import { feedWatchdog } from '../system/health-watchdog';
import { createLog, type Log } from '../system/log';
import { installed } from '../system/paths';
import { serviceManager, type ServiceManager } from '../system/sd-notify';
import { listenForStop, type StopRequest, whenAborted } from '../system/signals';
import { leave, takeDown } from '../terminal/take-down';

/** After this time the box counts as started even if a camera is missing: its other doors work. */
const CAMERAS_GRACE_MS = 60_000;

export function runCommand(): Command {
  return new Command('run')
    .description('run the daemon, which watches the doors')
    .requiredOption('-c, --config <file>', 'configuration, e.g. device-config/gym-entrance.yaml', installed()?.config)
    .option('--check', 'check the configuration and exit')
    .action(async (options: { config: string; check?: boolean }) => {
      // Before anything is started, so that a signal during the start stops what already runs.
      const stop = listenForStop();
      // Read once: an edit of the file must not break a restart inside this process.
      const operator = await loadConfig(options.config);
      if (options.check === true) {
        process.stdout.write(await checkedConfig(operator));
        return;
      }
      await watchDoors(operator, stop);
    });
}

/** Runs until it is stopped. Restarts inside the process when settings of the fleet require it. */
async function watchDoors(operator: LoadedConfig, stop: StopRequest): Promise<void> {
  const write = (line: string): void => void process.stderr.write(line);
  const log = createLog({ ...operator.config.log, write });
  const manager = serviceManager(process.env, process.pid, (why) => log.warn('the service manager', { why }));
  if (stop.asked.aborted) {
    log.info('stopped', { before: 'the start' });
    return;
  }
  const inService = { reported: false };
  let trials = true;
  for (;;) {
    const under = startUnder(operator, trials, (why) => log.error(why));
    const run = new Run(under, createLog({ ...under.loaded.config.log, write }), manager, inService, stop);
    try {
      if ((await run.untilOver()) === 'stopped') {
        leave(log);
        return;
      }
      trials = true;
    } catch (error) {
      // Another process uses the data folder: the settings are not the cause.
      const locked = error instanceof UsherError && error.code === 'store-locked';
      if (under.release?.trial !== true || locked) throw error;
      log.error(`the daemon does not start under settings ${under.release.version} of the fleet`, {
        why: messageOf(error),
      });
      trials = false;
    }
  }
}

/** One run of the daemon in this process. */
class Run {
  private over: (outcome: 'again') => void = () => undefined;
  private readonly again = new Promise<'again'>((resolve) => (this.over = resolve));
  private readonly app: App;
  private readonly stopped: Promise<'stopped'>;
  private silence: () => void = () => undefined;

  constructor(
    private readonly under: EffectiveConfig,
    private readonly log: Log,
    private readonly manager: ServiceManager,
    /** Whether the service manager was told `ready` in any run. */
    private readonly inService: { reported: boolean },
    private readonly stop: StopRequest,
  ) {
    this.stopped = whenAborted(stop.asked).then(() => 'stopped' as const);
    this.app = new App(under.loaded, log, {
      under,
      restart: (why) => {
        log.info('restarting', { why });
        this.over('again');
      },
    });
  }

  /**
   * @returns `stopped` by a signal, or `again` if the daemon asks for a restart @throws UsherError if it does not start
   */
  async untilOver(): Promise<'stopped' | 'again'> {
    const { app, log, manager, under } = this;
    const started = app.start();
    // The error is thrown below, or no longer matters.
    started.catch(() => undefined);
    if ((await Promise.race([started.then(() => 'started' as const), this.stopped])) === 'started') {
      const { site, id: device } = under.loaded.config.device;
      const settings = under.release === null ? {} : { settings: under.release.version };
      log.info('started', { broker: app.brokerUrl, site, device, ...settings });
      void app.whenReady.then(() => log.info('ready', { afterMs: Math.round(performance.now()) }));
      // Once the service is ready the watchdog counts; after a restart from the beginning.
      if (this.inService.reported) this.feed();
      else {
        const waited = delay(CAMERAS_GRACE_MS, undefined, { ref: false });
        if ((await Promise.race([app.whenReady, waited, this.again, this.stopped])) === undefined) {
          void manager.ready();
          this.inService.reported = true;
          this.feed();
        }
      }
    }
    const outcome = await Promise.race([this.stopped, this.again]);
    this.silence();
    if (outcome === 'stopped') void manager.stopping();
    await takeDown(app, log, this.stop.hurried);
    return outcome;
  }

  private feed(): void {
    const { app, log, manager } = this;
    this.silence = feedWatchdog(
      manager,
      () => app.stalled,
      (parts) => (parts === '' ? log.info('progress again') : log.error('no progress', { parts })),
    );
  }
}
