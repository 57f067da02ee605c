import type { LoadedConfig } from '../../config/load/load';
import type { Config } from '../../config/schema/schema';
import { UsherError } from '../../errors';
import type { VoiceReady } from '../../events';
import type { MqttClient } from '../../mqtt/client/client';
import type { Progress } from '../../system/health-watchdog';
import type { Log } from '../../system/log';
import { childEntry, packageVersion } from '../../system/paths';
import { captureFolder } from '../../voice/capture/capture-folder';
import { adoptEverywhere } from '../../system/adopt-everywhere';
import type { HealthBoard } from '../health/health';
import { publishActivation, publishWords } from '../health/publishing';
import { type MicrophoneCounts, VoiceService } from './voice-service';
import { WyomingService } from './wyoming-service';

export interface VoicesParts {
  readonly loaded: LoadedConfig;
  /** Folders of the bundles that releases brought, by name. */
  readonly dirs: Readonly<Record<string, string>>;
  readonly mqtt: Pick<MqttClient, 'publish'>;
  readonly health: HealthBoard;
  readonly bootId: string;
  readonly log: Log;
  /** Called with the networks of a microphone, for the journal. */
  readonly record: (ready: VoiceReady) => void;
  /** Called when it listens or has failed: nothing waits for it any longer. */
  readonly settled: (microphone: string) => void;
}

/** Names of all bundles that a box uses for trigger words, each once. */
export function wordBundles({ microphones, wyoming }: Pick<Config, 'microphones' | 'wyoming'>): readonly string[] {
  const words = [...microphones.flatMap((one) => one.words), ...(wyoming?.words ?? [])];
  return [...new Set(words.flatMap(({ model, check }) => (check === null ? [model] : [model, check])))];
}

/**
 * All microphones of the box, and the Wyoming server. They run in other processes, so no fault here can stop a door.
 */
export class Voices {
  private readonly services = new Map<string, VoiceService>();
  private wyoming: WyomingService | null = null;
  private current: Readonly<Record<string, string>>;

  constructor(private readonly parts: VoicesParts) {
    this.current = parts.dirs;
  }

  get all(): readonly VoiceService[] {
    return [...this.services.values()];
  }

  /**
   * Folders of the bundles that releases brought, by name: those that run, and those with which a new process starts.
   */
  get dirs(): Readonly<Record<string, string>> {
    return this.current;
  }

  /** All microphones change to these bundles, or none does. @throws UsherError `model-invalid` */
  async adopt(dirs: Readonly<Record<string, string>>): Promise<void> {
    await adoptEverywhere(this.all, dirs, this.current);
    this.current = dirs;
    this.wyoming?.adopt(dirs);
  }

  get progress(): readonly Progress[] {
    return this.all.map((service) => service.progress);
  }

  get pids(): readonly number[] {
    return this.all.map(({ pid }) => pid).filter((pid) => pid !== null);
  }

  get counts(): readonly (MicrophoneCounts & { readonly id: string })[] {
    return [...this.services].map(([id, service]) => ({ id, ...service.counts }));
  }

  start(): void {
    const { loaded, health, log } = this.parts;
    const { config, modelsDir } = loaded;
    const { dirs } = this;
    for (const microphone of config.microphones) {
      const { id } = microphone;
      const service = new VoiceService(
        microphone,
        childEntry('voice'),
        { microphone, modelsDir, dirs, execution: config.inference, captureDir: captureFolder(loaded.dataDir, id) },
        this.eventsOf(id, microphone.activationLifeMs),
        log.child(id),
      );
      this.services.set(id, service);
      service.start();
    }
    if (config.wyoming === null) return;
    this.wyoming = new WyomingService(
      childEntry('voice/wyoming'),
      { wyoming: config.wyoming, modelsDir, dirs, execution: config.inference, version: packageVersion() },
      (state) => health.set('wyoming', state),
      log.child('wyoming'),
    );
    this.wyoming.start();
  }

  async stop(): Promise<void> {
    await Promise.all([this.wyoming?.stop(), ...this.all.map((service) => service.stop())]);
  }

  /** @throws UsherError `usage` if there is no such microphone */
  restart(microphone: string): void {
    const service = this.services.get(microphone);
    if (service === undefined)
      throw new UsherError(
        'usage',
        `there is no microphone "${microphone}"; there is: ${[...this.services.keys()].join(', ')}`,
      );
    service.restart();
  }

  private eventsOf(id: string, lifeMs: number): ConstructorParameters<typeof VoiceService>[3] {
    const { mqtt, health, bootId, log, record, settled } = this.parts;
    return {
      activation: (activation) => {
        const outcome = publishActivation(mqtt, activation, { lifeMs, bootId, now: Date.now() });
        const { word, score, startAt, endAt } = activation;
        const fields = { microphone: id, word, score: Number(score.toFixed(3)), wordMs: endAt - startAt };
        if (outcome === 'sent') log.info('activation', fields);
        else log.warn('activation that was not published', { ...fields, outcome });
      },
      ready: (ready) => {
        record(ready);
        for (const { name, version, provider } of ready.models) log.info('running', { model: name, version, provider });
        publishWords(mqtt, ready);
      },
      health: (state) => {
        health.set(id, state);
        if (state.state !== 'starting') settled(id);
      },
    };
  }
}
