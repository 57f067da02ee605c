import { writeFile } from 'node:fs/promises';
import { Command } from 'commander';
import { UnlockMemory } from '../../actuator/verifier/memory';
import { openDeviceKey, trustedKey } from '../../access/keys/device-key';
import { actuatorJsonSchema } from '../../actuator/config/schema';
import { loadConfig } from '../../config/load/load';
import { loadActuatorConfig, trustedKeysOf } from '../../actuator/config/load';
import { Actuator } from '../../actuator/actuator';
import { diagnoseActuator } from '../../actuator/doctor';
import { UsherError } from '../../errors';
import { holdDaemonLock } from '../../store/daemon-lock';
import { createLog } from '../../system/log';
import { installed } from '../../system/paths';
import { listenForStop, whenAborted } from '../../system/signals';
import { leave, takeDown } from '../../terminal/take-down';
import { trustBox, trustCommand } from './trust';
import { reportFindings } from '../doctor/doctor';

export function actuatorCommand(): Command {
  const command = new Command('actuator').description(
    'the program at the lock: verifies unlock messages and opens the lock',
  );
  command
    .command('run')
    .description('run the actuator: obey the unlock messages of one door')
    .requiredOption('-c, --config <file>', 'configuration, e.g. device-config/actuator.yaml', installed()?.actuator)
    .option('--check', 'check the configuration and exit')
    .action(runActuator);
  command
    .command('key')
    .description('show the public key of a box, which its actuators need')
    .option('--box <file>', "the box's configuration; prints the command to run on the actuator's machine")
    .option('--from-box <data>', "the box's data folder; creates the key if it does not exist yet")
    .option('--json', 'machine-readable')
    .action(showKey);
  command
    .command('trust')
    .description('trust a box: write its key, site, device and door into the actuator’s configuration')
    .requiredOption('-c, --config <file>', 'the actuator’s configuration', installed()?.actuator)
    .option('--box <file>', "the box's configuration, if it is on this machine")
    .option('--from-box <data>', "the box's data folder, if it is on this machine")
    .option('--key <key>', 'the key that `usher actuator key` printed on the box')
    .option('--site <id>', 'device.site of the box')
    .option('--device <id>', 'device.id of the box')
    .option('--door <id>', 'the door, by its id in the box’s configuration')
    .action(trustBox);
  command
    .command('doctor')
    .description('check keys, files, the broker and whether the box is online; exit code 1 if a check fails')
    .requiredOption('-c, --config <file>', 'the actuator’s configuration', installed()?.actuator)
    .option('--json', 'write JSON')
    .action(async ({ config, json }: { config: string; json?: boolean }) => {
      const loaded = await loadActuatorConfig(config);
      reportFindings(loaded.file, await diagnoseActuator(loaded), json === true);
    });
  command
    .command('reset')
    .description('forget the latest time seen; use it after you corrected a clock that was ahead')
    .requiredOption(
      '-c, --config <file>',
      'the actuator’s configuration; stop the actuator first',
      installed()?.actuator,
    )
    .action(resetTime);
  command
    .command('schema')
    .description('print the JSON Schema of an actuator’s configuration')
    .option('-o, --output <file>', 'write to a file instead of standard output')
    .action(async ({ output }: { output?: string }) => {
      const text = `${JSON.stringify(actuatorJsonSchema(), null, 2)}\n`;
      if (output === undefined) process.stdout.write(text);
      else await writeFile(output, text);
    });
  return command;
}

async function runActuator(options: { config: string; check?: boolean }): Promise<void> {
  const stop = listenForStop();
  const loaded = await loadActuatorConfig(options.config);
  const keys = trustedKeysOf(loaded.config, loaded.file, trustedKey);
  if (options.check === true) {
    const { device, door } = loaded.config;
    process.stdout.write(
      `${loaded.file} is valid: it obeys ${device.site}/${device.id} at door ${door}, key ${keys.map(({ keyId }) => keyId).join(', ')}\n`,
    );
    return;
  }
  const log = createLog({ ...loaded.config.log, write: (line) => process.stderr.write(line) }, 'actuator');
  const actuator = new Actuator(loaded, log);
  await Promise.race([actuator.start(), whenAborted(stop.asked)]);
  const { device, door } = loaded.config;
  if (!stop.asked.aborted)
    log.info('started', { site: device.site, device: device.id, door, relay: loaded.config.relay.type });
  await whenAborted(stop.asked);
  await takeDown(actuator, log, stop.hurried);
  leave(log);
}

interface KeyOptions {
  readonly box?: string;
  readonly fromBox?: string;
  readonly json?: boolean;
}

async function showKey({ box, fromBox, json }: KeyOptions): Promise<void> {
  if ((box === undefined) === (fromBox === undefined))
    throw new UsherError('usage', 'name the box either by --box or by --from-box');
  const loaded = box === undefined ? null : await loadConfig(box);
  const { keyId, publicKeyText, publicKeyPem } = openDeviceKey(loaded?.dataDir ?? fromBox ?? '');
  const device = loaded?.config.device;
  if (json === true) {
    const about = device === undefined ? {} : { site: device.site, device: device.id };
    process.stdout.write(`${JSON.stringify({ keyId, publicKey: publicKeyText, publicKeyPem, ...about })}\n`);
  } else process.stdout.write(device === undefined ? `${publicKeyText}\n` : `${trustCommand(device, publicKeyText)}\n`);
}

async function resetTime(options: { config: string }): Promise<void> {
  const { stateDir } = await loadActuatorConfig(options.config);
  const lock = holdDaemonLock(stateDir);
  try {
    const memory = UnlockMemory.open(stateDir, 0);
    memory.resetTime();
    memory.close();
  } finally {
    lock.release();
  }
  process.stdout.write(`forgotten; the time is now ${new Date().toISOString()} by the clock of this machine\n`);
}
