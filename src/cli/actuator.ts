import { readFile, rename, stat, writeFile } from 'node:fs/promises';
import { Command } from 'commander';
import { isSeq, parseDocument } from 'yaml';
import { UnlockMemory } from '../access/actuator/memory';
import { openDeviceKey, trustedKey } from '../access/device-key';
import { actuatorJsonSchema } from '../config/actuator';
import { loadActuatorConfig, parseActuatorConfig } from '../config/load-actuator';
import { Actuator } from '../daemon/actuator';
import { UsherError } from '../errors';
import { holdDaemonLock } from '../store/daemon-lock';
import { createLog } from '../system/log';
import { listenForStop, whenAborted } from '../system/signals';
import { leave, takeDown } from './take-down';

export function actuatorCommand(): Command {
  const command = new Command('actuator').description('the other end of an unlock: verifies it and opens the lock');
  command
    .command('run')
    .description('obey the unlocks of one door')
    .requiredOption('-c, --config <file>', 'configuration, e.g. device-config/actuator.yaml')
    .option('--check', 'check the configuration and end')
    .action(runActuator);
  command
    .command('key')
    .description('the public key of a box, for the configuration of its actuators')
    .requiredOption('--from-box <data>', "the box's data folder; its key is made if there is none yet")
    .option('--json', 'machine-readable')
    .action(showKey);
  command
    .command('trust')
    .description('write the public key of a box into an actuator’s configuration')
    .requiredOption('-c, --config <file>', 'configuration of the actuator')
    .option('--from-box <data>', "the box's data folder, where it is on this machine")
    .option('--key <key>', 'the line that `usher actuator key` printed on the box')
    .action(trustKey);
  command
    .command('reset')
    .description('forget the times that were seen, after a clock that was ahead has been set right')
    .requiredOption('-c, --config <file>', 'configuration of the actuator, which must be stopped')
    .action(resetTime);
  command
    .command('schema')
    .description('the JSON Schema of an actuator’s configuration')
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
  loaded.config.trustedKeys.forEach(trustedKey);
  if (options.check === true) {
    process.stdout.write(`${loaded.file} is a good configuration\n`);
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

function showKey({ fromBox, json }: { fromBox: string; json?: boolean }): void {
  const { keyId, publicKeyText, publicKeyPem } = openDeviceKey(fromBox);
  process.stdout.write(
    json === true ? `${JSON.stringify({ keyId, publicKey: publicKeyText, publicKeyPem })}\n` : `${publicKeyText}\n`,
  );
}

async function trustKey(options: { config: string; fromBox?: string; key?: string }): Promise<void> {
  if ((options.key === undefined) === (options.fromBox === undefined))
    throw new UsherError('usage', 'name the box either by --from-box or by --key');
  const text = options.key ?? openDeviceKey(options.fromBox ?? '').publicKeyText;
  const { keyId } = trustedKey(text);
  const before = await readFile(options.config, 'utf8').catch((cause: unknown) => {
    throw new UsherError('file-unreadable', `${options.config} cannot be read`, { cause });
  });
  const document = parseDocument(before);
  const keys = document.get('trustedKeys');
  const known = isSeq(keys) ? keys.items.map((item) => String(item)) : [];
  if (!known.includes(text)) {
    if (isSeq(keys)) keys.add(document.createNode(text));
    else document.set('trustedKeys', document.createNode([text]));
  }
  const after = document.toString({ lineWidth: 0 });
  parseActuatorConfig(after, options.config);
  if (after !== before) await replaceFile(options.config, after);
  process.stdout.write(`${options.config} trusts ${keyId}; restart the actuator\n`);
}

/** The old text or the new one, never half of either; with the rights that the file had. */
async function replaceFile(file: string, text: string): Promise<void> {
  const draft = `${file}.${process.pid}.new`;
  await writeFile(draft, text, { flag: 'wx', mode: (await stat(file)).mode & 0o777 });
  await rename(draft, file);
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
  process.stdout.write(`forgotten; it is now ${new Date().toISOString()} by the clock of this machine\n`);
}
