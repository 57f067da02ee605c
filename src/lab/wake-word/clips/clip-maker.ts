import type { MixOptions } from '../sound/materials';
import { ClipMixer } from '../sound/mixer';
import { negativeStreams, type SoundStream } from '../sound/streams';
import { FeatureExtractor, featuresOf, MEL_BANDS } from '../../../voice/features/features';
import type { ClipMaterials, ClipRequest, FramedClip, FramedStretch, StreamRequest, TrialRequest } from './framed-clip';

/** Mixes clips and turns them into features; one a thread. */
export class ClipMaker {
  private readonly mixer: ClipMixer;
  private readonly trials = new Map<string, ClipMixer>();

  constructor(private readonly materials: ClipMaterials) {
    this.mixer = new ClipMixer(materials.train);
  }

  clip({ seed, negative }: ClipRequest): FramedClip {
    const { samples, ends } =
      negative === undefined ? this.mixer.compose(seed) : this.mixer.composeAround(negative, seed);
    return { features: featuresOf(samples), ends };
  }

  trial({ seed, snrDb }: TrialRequest): FramedClip {
    const key = snrDb.join();
    const known = this.trials.get(key);
    const mixer = known ?? new ClipMixer(this.materials.validation, trialOptions(snrDb));
    this.trials.set(key, mixer);
    const { samples, ends } = mixer.compose(seed);
    return { features: featuresOf(samples), ends };
  }

  streams({ part, hours, seed }: Omit<StreamRequest, 'index'>): SoundStream[] {
    return negativeStreams(this.materials[part], hours, seed);
  }

  *stream(request: StreamRequest): Iterable<FramedStretch> {
    const stream = this.streams(request)[request.index];
    const extractor = new FeatureExtractor();
    for (const samples of stream?.chunks() ?? []) {
      const features = new Float32Array(extractor.framesAfter(samples.length) * MEL_BANDS);
      extractor.push(samples, features);
      yield { features, samples };
    }
  }
}

function trialOptions(snrDb: readonly [number, number]): Partial<MixOptions> {
  return { wordShare: 1, realShare: 0.85, snrDb: [snrDb, snrDb, snrDb] };
}
