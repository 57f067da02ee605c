import { Command, Option } from 'commander';
import { join } from 'node:path';
import { TAKE_ADVICE, type TakeKind, type TakeReport } from './sound/take';
import { loadConfig } from '../../config/load/load';
import { MicrophoneConfig, type MicrophoneSourceConfig } from '../../config/schema/microphones';
import { UsherError } from '../../errors';
import { installed, workDir } from '../../system/paths';
import { listenForStop } from '../../system/signals';
import { recordTakes, type RecordingPlan, type RecordingUi } from './record-session';
import { captureFolder, deleteCaptures, listCaptures, NEAR_MISS } from '../../voice/capture/capture-folder';
import { createMicrophoneSource } from '../../voice/sources/create';
import { wholeNumber } from '../../terminal/arguments';

interface Options {
  readonly out?: string;
  readonly count: number;
  readonly seconds: number;
  readonly source: 'arecord' | 'rec' | 'sox' | 'stdin';
  readonly device?: string;
  readonly file?: string;
  readonly json?: boolean;
}

const HELP = `
Takes are judged as they come (clipped, too soft, too noisy, nothing said, cut off) and only good ones are kept, as WAV files in a folder
that usher train and usher eval take. Nothing leaves this machine.

  usher record word computer --count 20      twenty times the word, from one person; then from the next
  usher record other --count 20              other things said, also words that sound like it
  usher record background --count 6          the room as it is, ten seconds at a time
  usher train wake-word computer --from models/wake-computer --positives .usher/recordings/word-computer \\
    --negatives .usher/recordings/other --background .usher/recordings/background --steps 600
`;

/** Seconds before each take in which a person reads the prompt. */
const PAUSE_S = 1;
const PATIENCE = 20;

/** `usher record …`: records training sound, from the people who will say the word and from the room. */
export function recordCommand(): Command {
  const command = new Command('record')
    .description('record words, other speech and backgrounds to train with')
    .addHelpText('after', HELP);
  withSource(command.command('word'), 20, 3)
    .argument('<word>', 'as it is spelt')
    .description('takes of the trigger word')
    .action((word: string, options: Options) => {
      const name = word.toLowerCase().replaceAll(' ', '-');
      if (!/^[a-z-]+$/.test(name)) throw new UsherError('usage', `“${word}”: expected letters and spaces`);
      return record('word', `word-${name}`, `Say “${word}”`, options);
    });
  withSource(command.command('other'), 20, 4)
    .description('takes of anything else that people say')
    .action((options: Options) => record('other', 'other', 'Say something else', options));
  withSource(command.command('background'), 6, 10)
    .description('record the room while no person speaks to it')
    .action((options: Options) => record('background', 'background', 'Leave the room as it is', options));
  command
    .command('captures')
    .description(
      'show the recordings of activations and near misses by the daemon (off unless the configuration has `capture`)',
    )
    .requiredOption('-c, --config <file>', 'the configuration', installed()?.config)
    .option('--delete', 'delete all of it')
    .option('--json', 'print JSON')
    .action(captures);
  return command;
}

function withSource(command: Command, count: number, seconds: number): Command {
  return command
    .option('--out <dir>', 'folder for the takes (default: .usher/recordings/…)')
    .option('--count <n>', 'good takes', wholeNumber, count)
    .option('--seconds <n>', 'of one take', wholeNumber, seconds)
    .addOption(
      new Option('--source <program>', 'that records').choices(['arecord', 'rec', 'sox', 'stdin']).default('arecord'),
    )
    .option('--device <name>', 'ALSA device, as arecord -L lists them')
    .addOption(
      new Option('--file <path>', 'cut a recording, or a folder of them, into takes instead').conflicts([
        'source',
        'device',
      ]),
    )
    .option('--json', 'print JSON');
}

async function record(kind: TakeKind, folder: string, prompt: string, options: Options): Promise<void> {
  const config = sourceOf(options);
  const warn = (message: string): void => void process.stderr.write(`${message}\n`);
  const source = createMicrophoneSource({ source: config }, { warn }, () => process.stdin);
  const plan: RecordingPlan = {
    kind,
    name: folder,
    folder: options.out ?? join(workDir(), 'recordings', folder),
    count: options.count,
    seconds: options.seconds,
    // A recording needs no pause.
    pauseSeconds: options.file === undefined ? PAUSE_S : 0,
    patience: options.file === undefined ? PATIENCE : Infinity,
  };
  const stop = listenForStop();
  try {
    const ui = guide(options.file === undefined ? prompt : null, plan.count);
    const outcome = await recordTakes(source, plan, ui, stop.asked);
    const { files, refused, ended } = outcome;
    if (options.json === true)
      process.stdout.write(`${JSON.stringify({ folder: plan.folder, ...outcome }, null, 2)}\n`);
    else
      process.stdout.write(
        `${files.length} good takes of ${plan.count} are in ${plan.folder}; ${refused} were not good enough.\n`,
      );
    if (ended === 'stopped')
      throw new UsherError('cancelled', `stopped after ${files.length} of ${plan.count} good takes, which are kept`, {
        remedy: `Record the rest with --count ${plan.count - files.length}.`,
      });
    if (files.length === 0 || ended === 'gave-up')
      throw new UsherError('data-invalid', `${files.length} of ${plan.count} takes are good`, {
        remedy:
          options.file === undefined
            ? 'Follow the advice after each take, or record with another microphone: --device'
            : 'See the message for each take, and check that it is the right recording. --seconds sets the length of a take.',
      });
  } finally {
    stop.release();
  }
}

function sourceOf({ source, device, file }: Options): MicrophoneSourceConfig {
  if (device !== undefined && (source === 'rec' || source === 'stdin'))
    throw new UsherError('usage', `--device ${device}: ${source} takes none`, {
      remedy: 'Leave it out, or record with --source arecord or sox.',
    });
  const asked =
    file !== undefined
      ? { type: 'file', path: file, realtime: false }
      : { type: source, ...(device === undefined ? {} : { device }) };
  const parsed = MicrophoneConfig.shape.source.safeParse(asked);
  if (parsed.success) return parsed.data;
  throw new UsherError('usage', parsed.error.issues.map(({ message }) => message).join('; '), {
    remedy: 'A device is named as arecord -L names it.',
  });
}

const METER = 30;
/** The meter's line goes. */
const CLEAR = '\r\x1b[K';

/**
 * Prompt, level meter and verdict on standard error; the meter only where a person watches.
 * @param prompt null for a recording, where no person is asked
 */
function guide(prompt: string | null, count: number): RecordingUi {
  const { stderr } = process;
  const kept = new Set<string>();
  let takes = 0;
  return {
    prompt: () => {
      if (prompt !== null) stderr.write(`${stderr.isTTY ? CLEAR : ''}${prompt} (${kept.size + 1} of ${count}) …\n`);
    },
    level: (peak) => {
      if (!stderr.isTTY || prompt === null) return;
      // −60 to 0 dB of full scale.
      const share = peak <= 0.001 ? 0 : 1 + Math.log10(peak) / 3;
      const bars = Math.round(METER * Math.min(1, share));
      stderr.write(`\r${'█'.repeat(bars)}${'░'.repeat(METER - bars)}${peak > 0.99 ? ' too loud' : ''}\x1b[K`);
    },
    verdict: (report, file) => {
      takes++;
      if (file !== null) kept.add(file);
      const number = prompt === null ? `take ${takes}: ` : '';
      stderr.write(`${stderr.isTTY ? CLEAR : ''}${number}${verdictText(report)}\n`);
    },
  };
}

function verdictText({ problems, levelDb, snrDb }: TakeReport): string {
  const level = `${levelDb.toFixed(0)} dB${snrDb === null ? '' : `, ${snrDb.toFixed(0)} dB above the noise`}`;
  return problems.length === 0 ? `kept (${level})` : problems.map((problem) => TAKE_ADVICE[problem]).join(' ');
}

async function captures({
  config: file,
  delete: wanted,
  json,
}: {
  config: string;
  delete?: boolean;
  json?: boolean;
}): Promise<void> {
  const { config, dataDir } = await loadConfig(file);
  const rows = [];
  for (const { id } of config.microphones) {
    const folder = captureFolder(dataDir, id);
    const files = await listCaptures(folder);
    const bytes = files.reduce((sum, one) => sum + one.bytes, 0);
    if (wanted === true) await deleteCaptures(folder);
    const nearMisses = files.filter(({ name }) => name.includes(NEAR_MISS)).length;
    rows.push({ microphone: id, folder, files: files.length, nearMisses, bytes, deleted: wanted === true });
  }
  if (json === true) process.stdout.write(`${JSON.stringify({ captures: rows }, null, 2)}\n`);
  else
    for (const { microphone, folder, files, nearMisses, bytes, deleted } of rows)
      process.stdout.write(
        `${microphone}: ${files - nearMisses} activations and ${nearMisses} near misses, ${(bytes / 1e6).toFixed(1)} MB ${deleted ? 'deleted from' : 'in'} ${folder}\n`,
      );
}
