import { spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setForPrograms } from './environment';
import { shorts } from './sound';

const ALSA = '/usr/share/alsa/alsa.conf';
export const describeWithArecord =
  existsSync(ALSA) && spawnSync('arecord', ['--version']).status === 0 ? describe : describe.skip;
export const hasSox = spawnSync('sox', ['--version']).status === 0;

/**
 * No test machine has a sound card. ALSA's own file device stands in for one: the real recorders open, configure and read it as they do
 * hardware, only that it has no clock and gives its samples as fast as they are taken.
 */
export class FileSoundCard {
  static readonly DEVICE = 'usher';
  constructor(private readonly dir: string) {}

  /** For all recorders that this process starts from now on. */
  plugIn(samples: Float32Array): void {
    const raw = join(this.dir, 'card.raw');
    const config = join(this.dir, 'asound.conf');
    writeFileSync(raw, shorts(samples));
    writeFileSync(
      config,
      `<${ALSA}>\npcm.${FileSoundCard.DEVICE} { type file slave.pcm null file "/dev/null" infile "${raw}" format raw }\n`,
    );
    setForPrograms('ALSA_CONFIG_PATH', config);
    setForPrograms('AUDIODRIVER', 'alsa');
    setForPrograms('AUDIODEV', FileSoundCard.DEVICE);
  }

  unplug(): void {
    for (const key of ['ALSA_CONFIG_PATH', 'AUDIODRIVER', 'AUDIODEV']) setForPrograms(key, process.env[key]);
  }
}
