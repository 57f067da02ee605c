import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { type CommandKey, commandKey, signCommand } from '../access/commands/sign-command';
import { messageOf, systemCode, UsherError } from '../errors';
import { createDurably } from '../files/durable-file';
import { withDeadline } from '../mqtt/link/deadline';
import { decode } from '../mqtt/topics/decode';
import { Guest } from '../mqtt/link/guest';
import { CommandResultPayload } from '../mqtt/topics/payloads';
import { type TopicBase, topicOf } from '../mqtt/topics/topic-names';
import { type BrokerOptions, reachBox, withBrokerOptions } from '../terminal/broker-options';

interface Options extends BrokerOptions {
  readonly key?: string;
  readonly args?: string;
  readonly lifeSeconds: string;
  readonly json?: boolean;
}

const ANSWER_MS = 35_000;

/** `usher command VERB`: sends a command to a box and prints the answer. Exit code 1 if the box refuses. */
export function commandCommand(): Command {
  return withBrokerOptions(new Command('command'))
    .description('send a command to a box over MQTT and print the answer')
    .argument('<verb>', 'ping, status, member-suspend, lockdown, …')
    .option('--args <json>', "the verb's arguments", '{}')
    .option('--key <file>', 'sign with this key; verbs that change who may enter need it')
    .option('--life-seconds <number>', 'how long a signed command is valid', '60')
    .option('--json', 'write JSON')
    .action(async (verb: string, options: Options) => {
      const { base, guest } = await reachBox(options);
      const id = randomUUID();
      const args = argumentsOf(options.args ?? '{}');
      const key = options.key === undefined ? null : readKey(options.key);
      const lifeMs = lifeOf(options.lifeSeconds);
      const payload =
        key === null
          ? { ...args, v: 1, id }
          : signCommand(key, base, verb, { id, args }, { issuedAt: Date.now(), lifeMs });
      const answer = await ask(guest, base, verb, payload);
      process.stdout.write(`${options.json === true ? JSON.stringify(answer) : textOf(answer)}\n`);
      if (!answer.ok) process.exitCode = 1;
    });
}

/**
 * `usher command-key new FILE`: makes the key pair with which a site or fleet signs commands. The boxes get FILE.pub.
 */
export function commandKeyCommand(): Command {
  const command = new Command('command-key').description(
    'make the key that signs commands; keep it away from the boxes',
  );
  command
    .command('new')
    .argument('<file>', 'a file that does not exist yet')
    .description('make a key pair: FILE signs; list FILE.pub in security.commandKeys of the boxes')
    .action((file: string) => {
      const { privateKey } = generateKeyPairSync('ed25519');
      const pem = privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
      writeNew(file, pem, 0o600);
      const { keyId, publicKeyPem } = commandKey(pem);
      writeNew(`${file}.pub`, publicKeyPem, 0o644);
      process.stdout.write(`key ${keyId}: ${file} signs; copy ${file}.pub to the boxes\n`);
    });
  return command;
}

async function ask(
  guest: Parameters<typeof Guest.connect>[0],
  base: TopicBase,
  verb: string,
  payload: Readonly<Record<string, unknown>>,
): Promise<CommandResultPayload> {
  let answered: (answer: CommandResultPayload) => void = () => undefined;
  const answer = new Promise<CommandResultPayload>((resolve) => (answered = resolve));
  const visit = await Guest.connect(guest, ({ payload: bytes }) => {
    const decoded = decode(CommandResultPayload, bytes);
    if (decoded.ok && decoded.value.id === payload['id']) answered(decoded.value);
  });
  try {
    await visit.subscribe(topicOf('commandResult', {}, base));
    await visit.publish(topicOf('command', { verb }, base), payload);
    return await withDeadline(ANSWER_MS, answer, () => {
      throw new UsherError('broker-failed', `${base.site}/${base.device} did not answer within ${ANSWER_MS / 1000} s`, {
        remedy: 'Check that it runs (see its status topic) and that it may read command/# on this broker.',
      });
    });
  } finally {
    await visit.close();
  }
}

function textOf({ verb, ok, error, result }: CommandResultPayload): string {
  if (!ok) return `${verb}: ${error?.code ?? 'failed'}: ${error?.message ?? ''}`;
  return `${verb}: done${result === undefined || result === null ? '' : ` ${JSON.stringify(result)}`}`;
}

function argumentsOf(text: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new UsherError('usage', `--args is not JSON: ${messageOf(error)}`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new UsherError('usage', '--args takes a JSON object such as {"member":"4711"}');
  return value as Readonly<Record<string, unknown>>;
}

function lifeOf(text: string): number {
  const seconds = Number(text);
  if (!(seconds >= 1 && seconds <= 600)) throw new UsherError('usage', '--life-seconds takes 1 to 600');
  return Math.round(seconds * 1000);
}

function readKey(file: string): CommandKey {
  let pem: string;
  try {
    pem = readFileSync(file, 'utf8');
  } catch (error) {
    throw new UsherError('file-unreadable', `${file}: ${systemCode(error) ?? messageOf(error)}`, {
      remedy: 'Make a key pair with `usher command-key new FILE`.',
      cause: error,
    });
  }
  return commandKey(pem);
}

function writeNew(file: string, text: string, mode: number): void {
  try {
    createDurably(file, text, mode);
  } catch (error) {
    throw new UsherError('usage', `${file}: ${systemCode(error) ?? messageOf(error)}`, {
      remedy: 'Name a file that does not exist yet, in a folder that you may write to.',
      cause: error,
    });
  }
}
