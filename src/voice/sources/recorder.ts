import { type ChildProcess } from 'node:child_process';
import { record } from 'node-record-lpcm16';
import { type MicrophoneSourceConfig } from '../../config/schema/microphones';
import { type SourceProgram } from '../../sources/source-process';
import { ChannelMixer } from '../../sources/channels';
import { SampleAssembler } from './sample-assembler';
import { type LentSound, SOUND_RATE_HZ } from './sound';

export type RecorderConfig = Extract<MicrophoneSourceConfig, { type: 'arecord' | 'rec' | 'sox' }>;

/** The Debian package of each, with what it needs to reach ALSA. */
export const RECORDER_PACKAGES = {
  arecord: 'alsa-utils',
  rec: 'sox libsox-fmt-alsa',
  sox: 'sox libsox-fmt-alsa',
} as const;

/**
 * A microphone by arecord, rec or sox, through node-record-lpcm16.
 *
 * Always `raw`: with its default `wav`, arecord stops at 2 GiB (18.6 hours), with exit code 0 and without a word. Its own listeners
 * leave a missing program to crash the process and throw a string when the recorder fails: those of SourceProcess take both.
 */
export function recorderProgram(source: RecorderConfig): SourceProgram<LentSound> {
  const device = 'device' in source ? source.device : undefined;
  const stereo = takesStereo(source, device);
  return {
    name: device === undefined ? `the default microphone (${source.type})` : `${device} (${source.type})`,
    live: true,
    command: source.type,
    dataFd: 1,
    failure: 'microphone-failed',
    debianPackage: RECORDER_PACKAGES[source.type],
    remedy:
      'Check that the microphone is plugged in (arecord -l), that no other program uses it, that this user is in the group "audio", and that the device converts to 16 kHz mono (plughw:…, not hw:…).',
    spawn: () => startRecorder(source.type, device, stereo ? 2 : 1),
    assembler: () => new SampleAssembler('s16le', stereo ? new ChannelMixer(source.channel) : null),
  };
}

/** ALSA devices that convert between any numbers of channels. */
const CONVERTING = /^(default|sysdefault|plughw|plug|pulse|pipewire)(:|$)/;

/**
 * Whether to record both channels. ALSA makes one channel as the mean of both, in which antiphase channels cancel out.
 * A device that does not convert is opened with one channel, unless the configuration names one of two.
 */
function takesStereo({ channel }: RecorderConfig, device: string | undefined): boolean {
  if (channel === 'mix') return false;
  return channel !== 'auto' || CONVERTING.test(device ?? 'default');
}

function startRecorder(recorder: RecorderConfig['type'], device: string | undefined, channels: 1 | 2): ChildProcess {
  return record({
    sampleRate: SOUND_RATE_HZ,
    channels,
    audioType: 'raw',
    recorder,
    ...(device === undefined ? {} : { device }),
  }).process;
}
