import { UsherError } from '../../../errors';
import { runProgram } from '../sound/run-program';

/**
 * Speech synthesisers of Debian's archive (RHVoice and SVOX Pico of its non-free part: free to use, but their voices cannot be rebuilt
 * from source): many voices, none of them a real person's who would have to agree.
 */
export const ENGINES = ['espeak-ng', 'flite', 'festival', 'rhvoice', 'pico'] as const;
export type Engine = (typeof ENGINES)[number];

export interface Voice {
  readonly engine: Engine;
  /** As the engine calls it: `en-us+f3`, `slt`, `kal_diphone`. */
  readonly name: string;
}

export interface Voices {
  readonly list: readonly Voice[];
  /** What was passed over and why, for the person who trains. */
  readonly missing: readonly string[];
}

interface Program {
  readonly command: string;
  readonly debianPackage: string;
}

export const PROGRAMS: Readonly<Record<Engine, Program>> = {
  'espeak-ng': { command: 'espeak-ng', debianPackage: 'espeak-ng' },
  flite: { command: 'flite', debianPackage: 'flite' },
  festival: {
    command: 'festival',
    debianPackage: 'festival festvox-kallpc16k festvox-kdlpc16k festvox-us-slt-hts',
  },
  rhvoice: { command: 'RHVoice-test', debianPackage: 'rhvoice rhvoice-english' },
  pico: { command: 'pico2wave', debianPackage: 'libttspico-utils' },
};

/** Voices of music and machines: no person sounds like that, and words cannot be understood. */
const NOT_SPEECH = /whisper|demonic|robosoft|croak|tweaky|unirobot|anikarobot|kaukovalta|storm|\bmr\b/i;
/** `awb_time` speaks numbers only, `kal16` is kal once more. */
const FLITE_LEFT_OUT = new Set(['awb_time', 'kal16', 'kal']);

/**
 * The English voices of the engines that are installed.
 * @param wanted engines; one that is left out here is left out of the training, so that its voices can measure it
 * @throws UsherError `dependency-missing` when no engine is installed
 */
export async function findVoices(wanted: readonly Engine[] = ENGINES): Promise<Voices> {
  const list: Voice[] = [];
  const missing: string[] = [];
  for (const engine of wanted) {
    try {
      const names = await LISTERS[engine]();
      if (names.length === 0)
        missing.push(`${engine} has no English voice (Debian package: ${PROGRAMS[engine].debianPackage})`);
      list.push(...names.map((name) => ({ engine, name })));
    } catch (error) {
      if (!(error instanceof UsherError)) throw error;
      missing.push(`${engine} is left out: ${error.message} (Debian package: ${PROGRAMS[engine].debianPackage})`);
    }
  }
  if (list.length === 0)
    throw new UsherError('dependency-missing', `no voice to synthesise speech with: ${missing.join('; ')}`, {
      remedy: 'Install one at least: apt-get install espeak-ng flite festival',
    });
  return { list, missing };
}

const LISTERS: Readonly<Record<Engine, () => Promise<string[]>>> = {
  'espeak-ng': espeakVoices,
  flite: fliteVoices,
  festival: festivalVoices,
  rhvoice: rhvoiceVoices,
  pico: picoVoices,
};

/** Every accent with every variant of the voice: accents from `--voices=en`, without those that need mbrola's own data. */
async function espeakVoices(): Promise<string[]> {
  const accents = columns(await ask('espeak-ng', ['--voices=en']))
    .filter((row) => row[4]?.startsWith('gmw/') === true || row[4] === 'en-us-nyc')
    .flatMap((row) => (row[1] === undefined ? [] : [row[1]]));
  const variants = columns(await ask('espeak-ng', ['--voices=variant'])).flatMap((row) => {
    const name = row.find((cell) => cell.startsWith('!v/'))?.slice(3);
    return name === undefined || NOT_SPEECH.test(name) ? [] : [name];
  });
  const languages = [...new Set(accents)];
  return languages.flatMap((accent) => [accent, ...variants.map((variant) => `${accent}+${variant}`)]);
}

async function fliteVoices(): Promise<string[]> {
  const line = await ask('flite', ['-lv']);
  const names = line.replace(/^.*:/, '').trim().split(/\s+/);
  return names.filter((name) => name !== '' && !FLITE_LEFT_OUT.has(name));
}

async function festivalVoices(): Promise<string[]> {
  const printed = await ask('festival', ['--pipe'], '(print (voice.list))');
  return printed
    .replace(/[()"]/g, ' ')
    .trim()
    .split(/\s+/)
    .filter((name) => /^[a-z]\w+$/.test(name));
}

/** Its English voices that anybody may use for anything: the others' licences forbid commercial use. It has no way to list them. */
async function rhvoiceVoices(): Promise<string[]> {
  await ask('rhvoice', ['--version']);
  return ['alan', 'bdl', 'clb', 'slt'];
}

async function picoVoices(): Promise<string[]> {
  await ask('pico', ['--usage']);
  return ['en-US', 'en-GB'];
}

const columns = (table: string): string[][] =>
  table
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/));

async function ask(engine: Engine, args: readonly string[], input = ''): Promise<string> {
  const run = { ...PROGRAMS[engine], args, input, maxBytes: 2 ** 20, timeoutMs: 30_000 };
  return (await runProgram(run)).toString('utf8');
}
