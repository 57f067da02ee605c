import { run } from '../../system/programs';
import type { CameraConfig } from '../../config/schema/cameras';
import { messageOf } from '../../errors';
import type { SceneChange } from '../../events';
import type { MqttClient } from '../../mqtt/client/client';
import type { Log } from '../../system/log';

type Argv = readonly [string, ...string[]];
type Run = (argv: Argv, timeoutMs: number) => Promise<unknown>;

/**
 * Publishes a camera's scene on MQTT and runs a configured program for it (exposure, infrared light). Invariants: one
 * program of a camera runs at a time; none starts within `commandGapSeconds` of the one before; the program is the one
 * for the scene of that moment, and does not run again for the scene that it last ran for.
 */
export class SceneService {
  private scene: string | null = null;
  private commanded: string | null = null;
  private startedAt = -Infinity;
  private running = false;
  private waiting: NodeJS.Timeout | null = null;
  private stopped = false;

  constructor(
    private readonly camera: Pick<CameraConfig, 'id' | 'scene'>,
    private readonly mqtt: Pick<MqttClient, 'publish'>,
    private readonly monotonicMs: () => number,
    private readonly log: Log,
    private readonly start: Run = run,
  ) {}

  get current(): string | null {
    return this.scene;
  }

  change({ scene, score, at }: SceneChange): void {
    this.scene = scene;
    this.log.info('scene', { scene, score: Number(score.toFixed(2)) });
    this.mqtt.publish('sceneState', { camera: this.camera.id }, { v: 1, camera: this.camera.id, scene, at });
    this.command();
  }

  stop(): void {
    this.stopped = true;
    if (this.waiting !== null) clearTimeout(this.waiting);
    this.waiting = null;
  }

  private command(): void {
    const { scene, camera, commanded } = this;
    if (scene === null || scene === commanded || this.running || this.waiting !== null || this.stopped) return;
    const argv = camera.scene.commands[scene];
    if (argv === undefined) return;
    const wait = this.startedAt + camera.scene.commandGapSeconds * 1000 - this.monotonicMs();
    if (wait > 0) {
      this.waiting = setTimeout(() => {
        this.waiting = null;
        this.command();
      }, wait);
      return;
    }
    void this.carryOut(scene, argv as unknown as Argv);
  }

  private async carryOut(scene: string, argv: Argv): Promise<void> {
    this.running = true;
    this.startedAt = this.monotonicMs();
    this.commanded = scene;
    try {
      await this.start(argv, this.camera.scene.commandTimeoutMs);
      this.log.info('scene program ended', { scene, program: argv[0] });
    } catch (error) {
      // The next change of scene tries again. No retry before: a camera without such a control would be tried every
      // minute.
      this.log.error(`the program for the scene failed: ${messageOf(error)}`, { scene, program: argv[0] });
    } finally {
      this.running = false;
    }
    this.command();
  }
}
