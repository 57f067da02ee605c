import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { soundFiles } from '../../wake-word/sound/corpus';
import { decodeSounds } from '../../wake-word/sound/decode';
import { MicrophoneConfig } from '../../../config/schema/microphones';
import { UsherError } from '../../../errors';
import { joinFloats } from '../../report/float32';
import { compareVoice, voiceFigures, type VoiceLatency } from './voice';
import { OPENWAKEWORD_FILES, OpenWakeWordFeatures } from './openwakeword';
import { seededRandom } from '../../../random';
import { latencyOf } from './latency';
import { MeasuredVoice } from './process';
import { listBundles, readCard } from '../../../inference/bundle';
import { CPU_ONE_THREAD } from '../../../inference/model';
import { modelsDir } from '../../../system/paths';
import { WordDetector } from '../../../voice/wake-word/detector';
import { WordModels } from '../../../voice/wake-word/load';
import { SOUND_RATE_HZ } from '../../../voice/sources/sound';
import { encodeWav } from '../../../voice/capture/wav-file';
import { wholeNumber } from '../../../terminal/arguments';
import { printFigures, REQUIRE } from '../../report/figures';
import { createProgress, type Progress } from '../../../terminal/progress';

interface Options {
  readonly model?: string;
  readonly modelsDir: string;
  readonly modelsMirror?: string;
  readonly positives?: string;
  readonly speech?: string;
  readonly seconds: number;
  readonly json?: boolean;
  readonly require?: boolean;
}

/** Length of the sound that both process, and that is played to the process whose CPU time is measured. */
const SOUND_SECONDS = 60;
/** In the first minute code is compiled and start-up garbage is collected: a tenth of a second of CPU time, once. */
const WARM_UP_SECONDS = 60;

export function benchVoiceCommand(): Command {
  return new Command('voice')
    .description(
      'measure the CPU time of one microphone with one word, compared with openWakeWord’s feature networks, and the time from a word’s end to its event',
    )
    .option('--model <name>', 'wake-word bundle; the first one installed by default')
    .option('--models-dir <dir>', 'folder of model bundles', modelsDir())
    .option('--models-mirror <dir>', 'folder with openWakeWord’s networks (or USHER_MODELS_MIRROR)')
    .option('--positives <dir>', 'folder of clips with one word each, to measure the latency')
    .option(
      '--speech <dir>',
      'folder of speech instead of noise: speech wakes the companion networks of a word, which costs time',
    )
    .option('--seconds <n>', 'real time over which the CPU time is measured', wholeNumber, 30)
    .option('--json', 'print JSON')
    .option('--require', REQUIRE)
    .action(benchVoice);
}

async function benchVoice(options: Options): Promise<void> {
  const progress = createProgress();
  const model = options.model ?? (await firstWord(options.modelsDir));
  const words = [{ model, sensitivity: 'medium', check: null, refractoryMs: 2000 } as const];
  const models = await WordModels.open(words, { modelsDir: options.modelsDir, execution: CPU_ONE_THREAD });
  const detector = new WordDetector(models.listeners());
  const sound = options.speech === undefined ? noise(SOUND_SECONDS) : await speech(options.speech, SOUND_SECONDS);
  const folder = await mkdtemp(join(tmpdir(), 'usher-bench-voice-'));
  try {
    const samples = await compared(sound, detector, options, progress);
    const latency = options.positives === undefined ? null : await latencies(options.positives, detector, progress);
    const recording = join(folder, 'sound.wav');
    await writeFile(recording, encodeWav(Int16Array.from(sound, (value) => Math.round(value * 32_767))));
    const use = await cpuUse(recording, model, options, progress);
    progress.done();
    printFigures(voiceFigures(samples, use, latency), {
      json: options.json === true,
      require: options.require === true,
      more: { model },
    });
  } finally {
    progress.done();
    await models.dispose();
    await rm(folder, { recursive: true, force: true });
  }
}

async function firstWord(dir: string): Promise<string> {
  for (const bundle of await listBundles(dir)) {
    const { task, name } = await readCard(bundle);
    if (task === 'wake-word') return name;
  }
  throw new UsherError('model-missing', `${dir} has no wake-word bundle`, {
    remedy: 'Name a folder with one (--models-dir), or train one: usher train wake-word --help',
  });
}

async function compared(sound: Float32Array, detector: WordDetector, { modelsMirror }: Options, progress: Progress) {
  const mirror = modelsMirror ?? process.env['USHER_MODELS_MIRROR'];
  if (mirror === undefined || !existsSync(join(mirror, OPENWAKEWORD_FILES.embedding))) return null;
  const reference = await OpenWakeWordFeatures.open(mirror);
  try {
    return await compareVoice(sound, detector, reference, {
      onProgress: (share) => progress.update('comparing with openWakeWord', share),
    });
  } finally {
    await reference.dispose();
  }
}

async function latencies(dir: string, detector: WordDetector, progress: Progress): Promise<VoiceLatency> {
  const clips = await soundFiles(dir);
  const ms: number[] = [];
  const sounds = await decodeSounds(clips);
  for (const [at, sound] of sounds.entries()) {
    const latency = await latencyOf(
      Float32Array.from(sound, (value) => value / 32_768),
      detector,
    );
    if (latency !== null) ms.push(latency);
    progress.update('latency', (at + 1) / clips.length);
  }
  return { ms, clips: clips.length };
}

async function cpuUse(recording: string, model: string, { modelsDir: dir, seconds }: Options, progress: Progress) {
  const microphone = MicrophoneConfig.parse({
    id: 'bench',
    source: { type: 'file', path: recording, loop: true, realtime: true },
    words: [{ model }],
  });
  const voice = new MeasuredVoice(microphone, dir);
  try {
    await voice.start();
    await voice.cpuOver(WARM_UP_SECONDS, (share) => progress.update('warming up', share));
    return await voice.cpuOver(seconds, (share) => progress.update('CPU time', share));
  } finally {
    await voice.stop();
  }
}

/** Noise that rises and falls as speech does, but wakes no network. */
function noise(seconds: number): Float32Array {
  const random = seededRandom(7);
  return new Float32Array(seconds * SOUND_RATE_HZ).map((_, i) => {
    const syllable = Math.max(0, Math.sin((2 * Math.PI * 4 * i) / SOUND_RATE_HZ));
    return random.between(-1, 1) * (0.01 + 0.2 * syllable);
  });
}

/** Recordings one after the other, repeated if they are too short. */
async function speech(dir: string, seconds: number): Promise<Float32Array> {
  const clips = await soundFiles(dir);
  // Reads only what is needed of a large corpus; a recording has at least a tenth of a second.
  const said = joinFloats((await decodeSounds(clips.slice(0, 10 * seconds))).map((clip) => Float32Array.from(clip)));
  return new Float32Array(seconds * SOUND_RATE_HZ).map((_, i) => (said[i % said.length] as number) / 32_768);
}
