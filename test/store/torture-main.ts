import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { torture } from './torture';

/** npm run torture:store -- 500 */
const kills = Number(process.argv[2] ?? 500);
const folder = mkdtempSync(path.join(tmpdir(), 'usher-torture-'));
torture(folder, kills, (line) => process.stdout.write(`${line}\n`)).then(
  (result) => {
    process.stdout.write(`${JSON.stringify(result)}\n0 corrupt, 0 acknowledged steps lost\n`);
    rmSync(folder, { recursive: true, force: true });
  },
  (error: unknown) => {
    process.stdout.write(
      `${error instanceof Error ? (error.stack ?? error.message) : String(error)}\nleft for you: ${folder}\n`,
    );
    process.exitCode = 1;
  },
);
