// npm run torture:update -- 500 [--channel config]
import { parseArgs } from 'node:util';
import { countOf, prove } from '../../support/proof';
import { torture, TORTURED } from './update-torture';

void prove('torture:update', async () => {
  const { values, positionals } = parseArgs({
    options: { channel: { type: 'string', default: TORTURED[0] } },
    allowPositionals: true,
  });
  const channel = values.channel ?? '';
  const kills = countOf(positionals[0], 500);
  const facts = await torture(channel, kills, 1, ({ kills: done, updates }) => {
    if (done % 20 < 2) process.stdout.write(`\r${done} of ${kills} kills, ${updates} updates   `);
  });
  process.stdout.write(
    `\n${channel}: ${facts.kills} kills, ${facts.updates} updates, ${facts.ledBack} led back: ${facts.oldBoots} boots with the old version, ${facts.newBoots} with the new one, 0 with neither\n`,
  );
  // Without a whole update every kill hit the same few moments.
  return { tried: facts.kills, faults: facts.updates > 0 ? [] : ['no update came to its end'] };
});
