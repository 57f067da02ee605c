import { seededRandom, streamSeed } from '../../../random';
import { multiplySpectra, RealFft } from '../../../voice/features/fft';
import { clipCount, clipSamples, type SoundBank } from './bank';
import { roomOf, simulateRoom } from './room';

/** Simulated rooms; with ten thousand clips each is heard some hundred times, from other voices and in other noise. */
const SIMULATED = 96;
const LONGEST = 11_200;

/** Puts signals of one length into rooms: given impulse responses and simulated ones, each transformed once. */
export class Reverberator {
  private readonly fft: RealFft;
  private readonly spectra: (Float32Array | undefined)[] = [];
  private readonly given: readonly Float32Array[];
  private readonly work: Float32Array;

  constructor(length: number, impulses: SoundBank) {
    this.fft = new RealFft(2 ** Math.ceil(Math.log2(length + LONGEST)));
    this.work = new Float32Array(this.fft.size);
    this.given = Array.from({ length: clipCount(impulses) }, (_, i) => roomOf(clipSamples(impulses, i))).filter(
      (room) => room !== null,
    );
  }

  /** How many rooms there are. */
  get rooms(): number {
    return SIMULATED + this.given.length;
  }

  /** `signal` as heard in room `index`, in place: what is late falls off the end. `dry` is the share of the direct signal, 0 to 1. */
  apply(signal: Float32Array, index: number, dry: number): void {
    const { work, fft } = this;
    work.set(signal);
    work.fill(0, signal.length);
    fft.forward(work);
    multiplySpectra(work, this.spectrum(index));
    fft.inverse(work);
    for (let i = 0; i < signal.length; i++) signal[i] = dry * (signal[i] as number) + (1 - dry) * (work[i] as number);
  }

  private spectrum(index: number): Float32Array {
    const known = this.spectra[index];
    if (known !== undefined) return known;
    const spectrum = new Float32Array(this.fft.size);
    spectrum.set(this.given[index - SIMULATED] ?? simulateRoom(seededRandom(streamSeed(0x726f6f6d, index))));
    this.fft.forward(spectrum);
    this.spectra[index] = spectrum;
    return spectrum;
  }
}
