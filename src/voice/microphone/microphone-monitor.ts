import { defer, tap } from 'rxjs';
import { UsherError } from '../../errors';
import { HumMeter } from './hum';
import { LevelMeter, type SoundLevel } from './level';
import { SampleClock } from './sample-clock';
import { type LentSound, type MicrophoneSource, SOUND_RATE_HZ } from '../sources/sound';

/** With one value for this long the microphone does not work, whatever it delivers. */
const STUCK_MS = 3000;
/** Share of samples at full scale in a second, and the direct current, that are worth telling. */
const CLIPPED_SHARE = 0.01;
const OFFSET = 0.1;
/** A smaller direct current is a fault where it is all there is: 20 dB above the sound. */
const OFFSET_AUDIBLE = 0.002;
const OFFSET_OVER_SOUND = 10;
/** A trouble is reported for this time after it was last seen; else it would come and go with every syllable. */
const TROUBLE_SHOWN_MS = 30_000;

const samplesOf = (ms: number): number => (ms * SOUND_RATE_HZ) / 1000;

export interface MonitorOptions {
  /** One value for so long is a fault of a live source; null: never. */
  readonly stuckMs: number | null;
  /** A device, whose samples come at the pace of real time. */
  readonly paced: boolean;
  readonly monotonicMs: () => number;
}

export interface MonitorReport {
  /** Since the report before; null when nothing came. */
  readonly level: SoundLevel | null;
  /** Sound comes, and it is not one value over and over. */
  readonly stuck: boolean;
  /** What is wrong with the sound, for a person; null where nothing is. */
  readonly trouble: string | null;
  readonly samples: number;
  /** Openings after the first that gave sound, and losses within one: after each the network started without memory. */
  readonly gaps: number;
  readonly overruns: number;
}

/** Listens to what a microphone delivers as a sound technician would: is it alive, at the right pace, not too loud? */
export class MicrophoneMonitor {
  private readonly meter = new LevelMeter();
  private readonly hum = new HumMeter();
  private readonly clock = new SampleClock(SOUND_RATE_HZ);
  private readonly seen = new Map<string, number>();
  private samples = 0;
  private gaps = 0;
  private overruns = 0;

  constructor(private readonly options: MonitorOptions) {}

  /** The same source, which now fails where it gives nothing but one value, or sound at another rate. */
  watch(source: MicrophoneSource): MicrophoneSource {
    return {
      name: source.name,
      live: source.live,
      open: () =>
        defer(() => {
          this.meter.reopened();
          this.hum.reset();
          this.clock.reset();
          return source.open().pipe(tap((sound) => this.heard(sound, source)));
        }),
    };
  }

  report(): MonitorReport {
    const level = this.meter.take();
    if (level !== null) this.examine(level);
    const stuck = this.meter.stuckSamples >= samplesOf(STUCK_MS);
    return {
      level,
      stuck,
      trouble: stuck ? `it gives nothing but ${this.still()}` : this.trouble(),
      samples: this.samples,
      gaps: this.gaps,
      overruns: this.overruns,
    };
  }

  private heard(sound: LentSound, { name, live }: MicrophoneSource): void {
    const { samples, length, gap, endSample, invalid, trouble } = sound;
    if (gap && endSample > length) this.overruns++;
    else if (gap && this.samples > 0) this.gaps++;
    this.samples += length;
    this.meter.add(samples, length, invalid);
    this.hum.add(samples, length);
    if (trouble !== null) this.note(trouble);
    if (this.options.paced) this.keepPace(name, length);
    const { stuckMs } = this.options;
    if (!live || stuckMs === null || this.meter.stuckSamples < samplesOf(stuckMs)) return;
    throw new UsherError('microphone-failed', `${name}: nothing but ${this.still()} for ${stuckMs / 1000} s`, {
      remedy:
        'Check in alsamixer that the microphone is not muted, its gain is not 0 and the right input is chosen. If a noise gate is the cause, set stuckMs: null.',
    });
  }

  private keepPace(name: string, length: number): void {
    const fault = this.clock.arrived(this.options.monotonicMs(), length);
    if (fault === null) return;
    if (fault.kind === 'lost') {
      this.overruns++;
      return;
    }
    const measured = Math.round(fault.measuredHz / 100) * 100;
    throw new UsherError('microphone-failed', `${name}: it gives ${measured} samples a second, not ${SOUND_RATE_HZ}`, {
      remedy:
        'Name the device as plughw:…, which converts the rate; hw:… does not. If the number is too low, this machine is overloaded.',
    });
  }

  private still(): string {
    const { stuckAt } = this.meter;
    return stuckAt === 0 ? 'zeros' : `a direct current of ${Math.round(stuckAt * 100)} % of full scale`;
  }

  private examine({ clipped, offset, invalid, rmsDbfs }: SoundLevel): void {
    const { mainsHz } = this.hum;
    const sound = rmsDbfs === null ? 0 : 10 ** (rmsDbfs / 20);
    if (clipped > CLIPPED_SHARE) this.note('it is too loud and clips: lower the gain (alsamixer)');
    if (Math.abs(offset) > OFFSET) this.note('it has a DC offset: check cable and input');
    else if (Math.abs(offset) > OFFSET_AUDIBLE && Math.abs(offset) > OFFSET_OVER_SOUND * sound)
      this.note('it has a DC offset and almost no sound: check cable and input');
    if (mainsHz !== null)
      this.note(`it gives nothing but mains hum (${mainsHz} Hz): check the plug, the cable's shield and the ground`);
    if (invalid > 0) this.note('it contains samples that are not numbers: check the program that wrote it');
  }

  private note(trouble: string): void {
    this.seen.set(trouble, this.options.monotonicMs());
  }

  private trouble(): string | null {
    const since = this.options.monotonicMs() - TROUBLE_SHOWN_MS;
    const reported = [...this.seen].filter(([, at]) => at > since).map(([what]) => what);
    return reported.length === 0 ? null : reported.join('; ');
  }
}
