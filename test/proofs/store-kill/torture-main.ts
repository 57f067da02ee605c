import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { countOf, prove } from '../../support/proof';
import { torture } from './torture';

/** npm run torture:store -- 500 */
void prove('torture:store', async ({ keepFolder }) => {
  const kills = countOf(process.argv[2], 500);
  const folder = mkdtempSync(path.join(tmpdir(), 'usher-torture-'));
  try {
    const result = await torture(folder, kills, (line) => process.stdout.write(`${line}\n`));
    process.stdout.write(`${JSON.stringify(result)}\n0 corrupt, 0 acknowledged steps lost\n`);
    // Kills before the first acknowledged step cannot lose one.
    return { tried: result.acknowledged === 0 ? 0 : result.kills, faults: [] };
  } catch (error) {
    const what = error instanceof Error ? (error.stack ?? '') : String(error);
    return { tried: kills, faults: [`${what}\nthe store is kept: ${keepFolder()}`] };
  }
});
