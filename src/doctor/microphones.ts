import { accessSync, constants, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { firstValueFrom, takeWhile, tap, timeout, toArray } from 'rxjs';
import type { MicrophoneConfig, WordConfig } from '../config/schema/microphones';
import { wakeWordCard } from '../voice/wake-word/load';
import { LevelMeter } from '../voice/microphone/level';
import { createMicrophoneSource } from '../voice/sources/create';
import { RECORDER_PACKAGES } from '../voice/sources/recorder';
import { SOUND_RATE_HZ } from '../voice/sources/sound';
import { wakeWordOutputOf } from '../voice/wake-word/wake-word';
import { type Examination, fail, failedBecause, type Finding, ok, warn } from './finding';
import { isInstalled, runProgram } from './program';

const SOUND_FOLDER = '/dev/snd';
const LISTEN_SAMPLES = SOUND_RATE_HZ;

type RecorderType = keyof typeof RECORDER_PACKAGES;

/** Checks programs, the sound card, the words and, if the daemon does not use the microphone, a second of sound. */
export const examineMicrophones: Examination = async ({ loaded: { config, modelsDir }, daemon }) => {
  const { microphones, wyoming } = config;
  const findings: Finding[] = [];
  const types = new Set(microphones.map(({ source }) => source.type));
  for (const type of types) if (type !== 'stdin') findings.push(await program(type));
  if ([...types].some(isRecorder)) findings.push(await card());
  for (const { id, words } of microphones) findings.push(...(await examineWords(`microphone:${id}`, words, modelsDir)));
  if (wyoming !== null) findings.push(...(await examineWords('wyoming', wyoming.words, modelsDir)));
  for (const microphone of microphones) findings.push(await examineSound(microphone, daemon !== null));
  return findings;
};

function isRecorder(type: MicrophoneConfig['source']['type']): type is RecorderType {
  return type in RECORDER_PACKAGES;
}

async function program(type: RecorderType | 'file'): Promise<Finding> {
  const [name, debian] = isRecorder(type) ? [type, RECORDER_PACKAGES[type]] : ['ffmpeg', 'ffmpeg'];
  return (await isInstalled(name))
    ? ok(`program:${name}`, 'installed')
    : fail(`program:${name}`, 'not installed', `apt-get install ${debian}`);
}

/** The sound cards that ALSA knows, and whether this account may open them: the devices belong to the group "audio". */
async function card(): Promise<Finding> {
  const devices = captureDevices();
  if (devices.length === 0)
    return fail('sound-card', 'no sound card can record', 'Plug the microphone in; arecord -l lists what there is.');
  const closed = devices.filter((device) => !mayUse(device));
  if (closed.length > 0)
    return fail(
      'sound-card',
      `this account may not use ${closed.join(', ')}`,
      'Add the account to the group of the device: usermod -aG audio usher',
    );
  const { stdout } = await runProgram('arecord', ['-l']);
  const names = [...stdout.matchAll(/^card (\d+): (\w+) .*device (\d+):/gm)].map(
    ([, index, name, device]) => `plughw:${index ?? ''},${device ?? ''} (${name ?? ''})`,
  );
  return ok('sound-card', names.length === 0 ? devices.join(', ') : names.join(', '));
}

function captureDevices(): string[] {
  try {
    return readdirSync(SOUND_FOLDER)
      .filter((name) => /^pcmC\d+D\d+c$/.test(name))
      .map((name) => join(SOUND_FOLDER, name));
  } catch {
    return [];
  }
}

function mayUse(device: string): boolean {
  try {
    accessSync(device, constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

async function examineWords(check: string, words: readonly WordConfig[], modelsDir: string): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const { model, sensitivity, check: second } of words)
    for (const name of second === null ? [model] : [model, second]) {
      try {
        const card = await wakeWordCard(join(modelsDir, name));
        const { word, operatingPoints, presets } = wakeWordOutputOf(card);
        const point = operatingPoints.find(({ score }) => score === presets[sensitivity]);
        const misses = point?.misses
          .map(({ condition, miss }) => `${(100 * miss).toFixed(1)} % ${condition}`)
          .join(', ');
        const figures = `${point?.falseAcceptsPerHour ?? '?'} false activations an hour, misses ${misses ?? '?'} (${point?.measuredOn ?? '?'})`;
        findings.push(ok(`${check}:${name}`, `hears "${word}"; at ${sensitivity} sensitivity: ${figures}`));
      } catch (error) {
        findings.push(
          failedBecause(`${check}:${name}`, error, 'Train it (usher train wake-word --help) or correct words.'),
        );
      }
    }
  return findings;
}

/** Opens the microphone exactly as the daemon does. */
async function examineSound(microphone: MicrophoneConfig, taken: boolean): Promise<Finding> {
  const check = `microphone:${microphone.id}`;
  const { source, startMs } = microphone;
  if (source.type === 'stdin') return ok(check, 'raw sound on the daemon’s standard input');
  if (source.type === 'arecord' && source.device?.startsWith('hw:') === true)
    return warn(
      check,
      `${source.device} records at its own sample rate, not at the requested one`,
      `Use the device name plug${source.device}.`,
    );
  if (taken) return ok(check, 'in use by the running daemon: see its health topic');
  const meter = new LevelMeter();
  const troubles = new Set<string>();
  try {
    const sound = createMicrophoneSource(microphone, { warn: () => undefined }, () => process.stdin);
    let left = LISTEN_SAMPLES;
    const heard = sound.open().pipe(
      tap((chunk) => {
        meter.add(chunk.samples, chunk.length, chunk.invalid);
        left -= chunk.length;
        if (chunk.trouble !== null) troubles.add(chunk.trouble);
        chunk.release();
      }),
      takeWhile(() => left > 0),
      timeout({ first: startMs, each: startMs }),
      toArray(),
    );
    await firstValueFrom(heard);
  } catch (error) {
    if (error instanceof Error && error.name === 'TimeoutError')
      return fail(
        check,
        `no sound within ${startMs} ms`,
        'Check that the microphone is connected and that no other program uses it.',
      );
    return failedBecause(check, error, 'Check the microphone and its source in the configuration.');
  }
  const level = meter.take();
  const rms = level?.rmsDbfs ?? null;
  if (rms === null)
    return warn(
      check,
      'all its samples have the same value',
      'Check in alsamixer that it is not muted and its gain is not 0.',
    );
  const [trouble] = troubles;
  if (trouble !== undefined) return warn(check, trouble, 'Repair the wiring, or choose the channel in source.channel.');
  return ok(check, `gives sound, ${rms.toFixed(0)} dB of full scale`);
}
