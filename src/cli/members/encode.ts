import type { Command } from 'commander';
import { join } from 'node:path';
import { openStore } from '../../daemon/store/open-store';
import { UsherError } from '../../errors';
import { applyHead, readHead } from '../../inference/embedding-head';
import { modelsDir } from '../../system/paths';
import {
  type InstallationOptions,
  loadInstallation,
  storeLocation,
  withInstallationOptions,
} from '../../terminal/installation';
import { actor } from '../../terminal/members-options';

interface Options extends InstallationOptions {
  readonly dropOld?: boolean;
  readonly by?: string;
  readonly modelsDir?: string;
  readonly json?: boolean;
}

/**
 * `usher members re-encode`: maps stored templates into the space of another encoder. Vectors of two spaces are never
 * compared. But where one space is a linear map of the other, the templates can be mapped, and no member has to come
 * again.
 */
export function addEncodeCommand(command: Command): void {
  withInstallationOptions(command.command('re-encode <bundle>'))
    .description('map the templates to an encoder that `usher train face-head` made; the old ones stay')
    .option('--drop-old', 'delete the templates of the old space; to return to it you then need new pictures')
    .option('--by <who>', 'who decided it, for the journal (default: the account that runs this)')
    .option('--models-dir <dir>', 'folder of model bundles (default: the configuration’s)')
    .option('--json', 'write JSON')
    .action(async (bundle: string, options: Options) => {
      if (!/^[a-z0-9][a-z0-9.-]*$/.test(bundle))
        throw new UsherError('usage', `"${bundle.slice(0, 80)}" is not a bundle name`);
      const configured =
        options.config === undefined && options.data !== undefined ? null : await loadInstallation(options);
      const head = await readHead(join(options.modelsDir ?? configured?.modelsDir ?? modelsDir(), bundle));
      const store = openStore(await storeLocation(options));
      try {
        const done = store.templates.carryOver({
          from: head.fromSpace,
          to: head.toSpace,
          map: (vector) => applyHead(head, vector),
          dropOld: options.dropOld === true,
          by: actor(options.by),
        });
        const { members, templates, alreadyThere, dropped } = done;
        const text = [
          `${templates} templates of ${members} members mapped from ${head.fromSpace} to ${head.toSpace}`,
          ...(alreadyThere === 0 ? [] : [`${alreadyThere} members already had templates there and are unchanged`]),
          ...(done.broken === 0
            ? []
            : [`${done.broken} templates are damaged and were not mapped; see usher members check`]),
          dropped > 0 ? `${dropped} templates of the old space deleted` : 'the templates of the old space stay',
          `now set it in the configuration: models.encoder: ${bundle}`,
        ].join('\n');
        const json = { from: head.fromSpace, to: head.toSpace, ...done };
        process.stdout.write(options.json === true ? `${JSON.stringify(json)}\n` : `${text}\n`);
      } finally {
        store.close();
      }
    });
}
