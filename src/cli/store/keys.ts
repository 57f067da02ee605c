import { Command } from 'commander';
import { openStore } from '../../daemon/store/open-store';
import { type InstallationOptions, storeLocation, withInstallationOptions } from '../../terminal/installation';

interface Options extends InstallationOptions {
  readonly json?: boolean;
}

/** `usher keys …`: the box key that seals members' data. */
export function keysCommand(): Command {
  const command = new Command('keys').description('manage the key that seals the members’ data');
  withInstallationOptions(command.command('rotate-box'))
    .description(
      'replace the box key while the daemon runs. The old key is destroyed, so that older database backups can ' +
        'no longer be opened: this also deletes members from those backups',
    )
    .option('--json', 'write JSON')
    .action(async (options: Options) => {
      const store = openStore(await storeLocation(options));
      try {
        const { version, members, advice } = store.rotateBoxKey();
        process.stdout.write(
          options.json === true
            ? `${JSON.stringify({ version, members, advice })}\n`
            : `the box key is version ${version} now; ${members} members’ keys are sealed with it\n${advice === null ? '' : `  → ${advice}\n`}`,
        );
      } finally {
        store.close();
      }
    });
  return command;
}
