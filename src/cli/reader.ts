import { dirname, resolve } from 'node:path';
import { Command } from 'commander';
import { createReaderKey, readReaderKey } from '../access/swipes/reader-key';
import { countersIn } from '../access/door/persisted';
import { swipeMac } from '../access/swipes/swipe';
import { type CounterStore, counterSource } from '../access/swipes/swipe-judge';
import { openStore } from '../daemon/store/open-store';
import { Guest } from '../mqtt/link/guest';
import { topicOf } from '../mqtt/topics/topic-names';
import { IDENTIFIER } from '../identifier';
import { UsherError } from '../errors';
import { type BrokerOptions, reachBox, withBrokerOptions } from '../terminal/broker-options';
import {
  type InstallationOptions,
  loadInstallation,
  locationOf,
  withInstallationOptions,
} from '../terminal/installation';
import { actor } from '../terminal/members-options';

interface CounterOptions extends InstallationOptions {
  readonly contact?: boolean;
  readonly set?: string;
  readonly by?: string;
  readonly json?: boolean;
}

interface SwipeOptions extends BrokerOptions {
  readonly reader: string;
  readonly id: string;
  readonly key?: string;
  readonly counter?: string;
  readonly line?: boolean;
}

/** `usher reader …`: for people who install or build a reader. */
export function readerCommand(): Command {
  const command = new Command('reader').description('make keys for card readers, and send test swipes');
  command
    .command('key')
    .description('manage the key that a reader and the box share')
    .command('new')
    .argument('<file>', 'a file that does not exist yet')
    .description('make a key; store it in the reader too, and name it as keyFile in the configuration')
    .action((file: string) => {
      createReaderKey(file);
      process.stdout.write(`${file} holds a new key of 32 bytes; only its owner can read it\n`);
    });
  withInstallationOptions(command.command('counter'))
    .argument('<id>', 'id of a reader with a key, or of a door with --contact')
    .description('show or set the last counter that this box accepted from a reader')
    .option('--contact', 'use the counter of a door contact')
    .option(
      '--set <number>',
      'set the last counter: messages with higher counters are accepted again, all others are refused',
    )
    .option('--by <who>', 'who decided it, for the journal (default: the account that runs this)')
    .option('--json', 'write JSON')
    .action((id: string, options: CounterOptions) => counter(id, options));
  withBrokerOptions(command.command('swipe'))
    .description('publish one swipe as a reader does')
    .requiredOption('--reader <id>', 'the reader')
    .requiredOption('--id <identifier>', 'the identifier on the card')
    .option('--key <file>', "the reader's key; without it the swipe has no MAC")
    .option('--counter <number>', 'default: epoch ms, which always increases')
    .option('--line', 'print the line for a serial port; publish nothing')
    .action((options: SwipeOptions) => swipe(options));
  return command;
}

async function swipe(options: SwipeOptions): Promise<void> {
  const { reader, id } = options;
  if (!IDENTIFIER.test(id))
    throw new UsherError('usage', 'an identifier has 1 to 64 characters of A-Z a-z 0-9 . _ : -');
  const at = Date.now();
  const counter = counterOf(options.counter, at);
  const key = options.key === undefined ? null : readReaderKey(options.key);
  const { base, guest } = await reachBox(options);
  const scope = { site: base.site, device: base.device, reader };
  if (options.line === true) {
    const mac = key === null ? null : swipeMac(key, scope, { v: 1, id, counter });
    process.stdout.write(mac === null ? `${id}\n` : `SWIPE ${id} ${counter} ${mac}\n`);
    return;
  }
  const message = { v: 1 as const, id, at, counter };
  const visit = await Guest.connect(guest);
  try {
    await visit.publish(topicOf('swipe', { reader }, base), {
      ...message,
      ...(key === null ? {} : { mac: swipeMac(key, scope, message) }),
    });
  } finally {
    await visit.close();
  }
  process.stdout.write(`swiped at ${reader}, counter ${counter}${key === null ? ', without a MAC' : ''}\n`);
}

async function counter(id: string, options: CounterOptions): Promise<void> {
  const loaded = await loadInstallation(options);
  const { config, file } = loaded;
  const contact = options.contact === true;
  const found = contact
    ? config.contacts.find(({ door }) => door === id)
    : config.readers.find((reader) => reader.id === id);
  if (found?.keyFile === undefined)
    throw new UsherError('usage', `${file} has no ${contact ? 'contact' : 'reader'} "${id}" with a keyFile`, {
      remedy: 'Only readers and contacts with a key have a counter.',
    });
  const scope = { site: config.device.site, device: config.device.id, ...(contact ? { door: id } : { reader: id }) };
  const source = counterSource(scope, readReaderKey(resolve(dirname(file), found.keyFile)));
  const set = options.set === undefined ? null : counterOf(options.set, 0);
  const store = openStore(locationOf(loaded), { readonly: set === null });
  try {
    const counters = countersIn(store);
    if (set !== null)
      store.atomically(() => {
        store.ledger.append('counter', {
          source: id,
          contact,
          before: counterOrNull(counters, source),
          set,
          by: actor(options.by),
        });
        counters.save(source, set);
      });
    const last = counters.load(source);
    process.stdout.write(
      options.json === true
        ? `${JSON.stringify({ id, last })}\n`
        : `${id}: the last counter is ${last ?? 'none yet'}\n`,
    );
  } finally {
    store.close();
  }
}

function counterOf(text: string | undefined, at: number): number {
  if (text === undefined) return at;
  const counter = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(counter))
    throw new UsherError('usage', 'a counter is a whole number below 2^53');
  return counter;
}

/** Null also for a damaged counter: this command repairs it. */
function counterOrNull(counters: Pick<CounterStore, 'load'>, source: string): number | null {
  try {
    return counters.load(source);
  } catch (error) {
    if (error instanceof UsherError && error.code === 'data-invalid') return null;
    throw error;
  }
}
