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

/** A camera that is not there must not keep the box from counting as started: its other doors work. */
const CAMERAS_GRACE_MS = 60_000;

export function runCommand(): Command {
  return new Command('run')
    .description('watch the doors: the daemon')
    .requiredOption('-c, --config <file>', 'configuration, e.g. device-config/gym-entrance.yaml', installed()?.config)
    .option('--check', 'check the configuration and end')
    .action(async (options: { config: string; check?: boolean }) => {
      // Before anything is up: a signal half-way through the start must take down what is.
      const stop = listenForStop();
      // Read once: a file that is being edited must not end a box that begins anew by itself.
      const operator = await loadConfig(options.config);
      if (options.check === true) {
        process.stdout.write(await checkedConfig(operator));
        return;
      }
      await watchDoors(operator, stop);
    });
}

/** Runs until it is stopped; begins anew where settings of the fleet ask for it. */
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
      // Another process on the data folder is not the settings' fault.
      const locked = error instanceof UsherError && error.code === 'store-locked';
      if (under.release?.trial !== true || locked) throw error;
      log.error(`the daemon does not start under settings ${under.release.version} of the fleet`, {
        why: messageOf(error),
      });
      trials = false;
    }
  }
}

/** One life of the daemon within this process. */
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
    /** Whether the service manager was told so; over all lives. */
    private readonly inService: { reported: boolean },
    private readonly stop: StopRequest,
  ) {
    this.stopped = whenAborted(stop.asked).then(() => 'stopped' as const);
    this.app = new App(under.loaded, log, {
      under,
      restart: (why) => {
        log.info('begins anew', { why });
        this.over('again');
      },
    });
  }

  /** @throws UsherError when it does not start */
  async untilOver(): Promise<'stopped' | 'again'> {
    const { app, log, manager, under } = this;
    const started = app.start();
    // What it fails with is thrown below, or is of no interest any more.
    started.catch(() => undefined);
    if ((await Promise.race([started.then(() => 'started' as const), this.stopped])) === 'started') {
      const { site, id: device } = under.loaded.config.device;
      const settings = under.release === null ? {} : { settings: under.release.version };
      log.info('started', { broker: app.brokerUrl, site, device, ...settings });
      void app.whenReady.then(() => log.info('ready', { afterMs: Math.round(performance.now()) }));
      // Once it is in service the watchdog counts, in a later life from the start.
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
