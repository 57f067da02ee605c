import { Command } from 'commander';
import path from 'node:path';
import { ensureModels, type EnsureOutcome } from '../../bundles/catalog/ensure';
import { buildFallbackSet } from '../../bundles/face-api/build';
import { pullSet } from '../../bundles/catalog/pull';
import { maskAddress } from '../../address';
import { UsherError } from '../../errors';
import { thresholdsOf } from '../../fleet/thresholds-file';
import { readCard } from '../../inference/bundle';
import { modelsDir } from '../../system/paths';
import { type InstallationOptions, loadInstallation, withInstallationOptions } from '../../terminal/installation';
import { ModelsReporter } from './progress';
import { rollBack } from './rollback';
import { listModels, listText, verifyModels, verifyText } from './report';

/** Names a folder or address that has the recommended models' files by name. */
const MIRROR_VARIABLE = 'USHER_MODELS_MIRROR';

interface Options {
  readonly modelsDir?: string;
  readonly json?: boolean;
  readonly from?: string;
}

/** `usher models …`: shows and installs the networks. */
export function modelsCommand(): Command {
  const command = new Command('models').description('list, verify, fetch and build the networks that usher runs');
  const add = (
    usage: string,
    description: string,
    work: (dir: string, options: Options, names: string[]) => Promise<void>,
  ): Command => {
    const sub = command
      .command(usage)
      .description(description)
      .option('--models-dir <dir>', 'folder of model bundles (default: models in the folder of usher)');
    return sub.action(async () => {
      const options = sub.opts<Options>();
      await work(path.resolve(options.modelsDir ?? modelsDir()), options, sub.args);
    });
  };

  add('list', 'list installed and available models: origin, licence, figures', async (dir, { json }) => {
    const models = await listModels(dir);
    print(json === true ? JSON.stringify({ modelsDir: dir, models }) : listText(models));
  }).option('--json', 'write JSON');

  add('verify [names...]', 'check digests and golden vectors; exit code 1 if one is bad', async (dir, { json }, names) => {
    const results = await verifyModels(dir, names);
    const ok = results.every((result) => result.ok);
    print(json === true ? JSON.stringify({ modelsDir: dir, ok, models: results }) : verifyText(results));
    if (!ok) process.exitCode = 1;
  }).option('--json', 'write JSON');

  add('thresholds <name>', 'print the threshold table of a bundle, in the form that usher fleet publish reads', async (dir, _, [name = '']) => {
    const table = thresholdsOf(await readCard(path.join(dir, name)));
    if (table === null) throw new UsherError('usage', `${name} has no table of thresholds`);
    print(JSON.stringify(table, null, 2));
  });

  add('pull [names...]', 'fetch the recommended set, or models by name', async (dir, { from }, names) => {
    const reporter = new ModelsReporter(process.stderr);
    try {
      await pullSet({ modelsDir: dir, from: from ?? mirror(), names, onProgress: reporter.onPull });
    } finally {
      reporter.end();
    }
  }).option('--from <place>', `folder or address that has the files by name (default: ${MIRROR_VARIABLE})`);

  add('build', 'build the fallback set from the installed npm package @vladmandic/face-api', async (dir) => {
    const reporter = new ModelsReporter(process.stderr);
    await buildFallbackSet(dir, { onProgress: reporter.onBuild });
  });

  add('ensure', 'fetch the recommended set where it can be had, and build the fallback set', ensure);
  addRollback(command);
  return command;
}

function addRollback(command: Command): void {
  const rollback = withInstallationOptions(command.command('rollback <channel>'))
    .description('return to the version before an update, immediately; channels: face/encoder, face/detector')
    .option('--json', 'write JSON');
  rollback.action(async (channel: string) => {
    const options = rollback.opts<InstallationOptions & { json?: boolean }>();
    const back = await rollBack((await loadInstallation(options)).dataDir, channel);
    const which = back.version ?? 'the installed version';
    print(
      options.json === true
        ? JSON.stringify(back)
        : `${channel} is back at ${which}${back.live ? '' : ' from the next start on'}`,
    );
  });
}

async function ensure(dir: string): Promise<void> {
  const reporter = new ModelsReporter(process.stderr);
  try {
    const { onPull, onBuild } = reporter;
    const outcome = await ensureModels({ modelsDir: dir, mirror: mirror(), onPull, onBuild });
    reporter.end();
    print(outcomeText(dir, outcome));
  } finally {
    reporter.end();
  }
}

function mirror(): string | undefined {
  const value = process.env[MIRROR_VARIABLE];
  return value === undefined || value === '' ? undefined : value;
}

export function outcomeText(dir: string, { recommended, fallback, refusals }: EnsureOutcome): string {
  if (fallback === 'unavailable')
    return [
      `The recommended face models are in ${dir}. The fallback set is not: it is built in a checkout of usher (scripts/setup).`,
      'Doors do not need it. Stills do: copy the folder tiny-yolo-face from the models folder of such a checkout.',
    ].join('\n');
  if (recommended !== 'unavailable') return `The recommended and the fallback face models are in ${dir}.`;
  return [
    'WARNING: only the fallback face models are installed; the recommended set could not be fetched.',
    ...refusals.map(({ source, error }) => `  from ${maskAddress(source)}: ${error.message}`),
    'At a false-match rate of 1 in 10,000 (measured on LFW), the fallback encoder fails to recognise',
    '38 % of members, MobileFaceNet 3.6 %, MBF 1.0 %. A door should not run on the fallback set.',
    `To get the recommended set: usher models pull --from <folder or address>, or set ${MIRROR_VARIABLE}.`,
  ].join('\n');
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
