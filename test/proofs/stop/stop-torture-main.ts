import { entranceRecording } from '../../support/entrance';
import { stopPlace, tortureStops } from './stop-torture';

/** npm run torture:stop -- 200 [seed] */
async function main(): Promise<void> {
  const stops = Number(process.argv[2] ?? 200);
  const place = await stopPlace(await entranceRecording());
  try {
    const seed = Number(process.argv[3] ?? 1);
    const tally = await tortureStops(place, {
      ...{ stops, seed },
      told: ({ stops: done }) => {
        if (done % 10 === 9) process.stdout.write(`${done + 1} of ${stops} stops\n`);
      },
    });
    process.stdout.write(`${JSON.stringify(tally)}\n`);
  } finally {
    await place.remove();
  }
}

main().catch((error: unknown) => {
  process.stdout.write(`${error instanceof Error ? (error.stack ?? '') : String(error)}\n`);
  process.exitCode = 1;
});
