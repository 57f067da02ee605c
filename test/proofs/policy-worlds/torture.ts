import { cpus } from 'node:os';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { countOf, type Proof, prove, type Verdict } from '../../support/proof';
import { play } from '../../access/policy/play';
import { drawWorld, type World } from '../../access/policy/world';

/** `npm run torture:policy -- 1000000 [first seed]`: so many random worlds against the oracle, on up to two cores. */

interface Task {
  readonly first: number;
  readonly count: number;
  readonly stride: number;
}
type Report = { readonly done: number } | { readonly failed: string } | { readonly tally: [string, number][] };
const BATCH = 500;

/** The smallest part of a world that still goes wrong, found by leaving out what can be left out. */
function shrink(world: World): { readonly world: World; readonly problem: string } {
  let smallest = world;
  for (let index = world.happenings.length - 1; index >= 0; index--) {
    const happenings = smallest.happenings.filter((_, at) => at !== index);
    if (play({ ...smallest, happenings }) !== null) smallest = { ...smallest, happenings };
  }
  return { world: smallest, problem: play(smallest) ?? '' };
}

function work({ first, count, stride }: Task, report: (message: Report) => void): void {
  const tally = new Map<string, number>();
  for (let index = 0; index < count; index++) {
    const world = drawWorld(first + index * stride);
    tally.set('happenings', (tally.get('happenings') ?? 0) + world.happenings.length);
    if (play(world, tally) !== null) {
      const small = shrink(world);
      report({ failed: `${small.problem}\n${JSON.stringify(small.world, mapsAsLists, 1)}` });
      return;
    }
    if ((index + 1) % BATCH === 0) report({ done: BATCH });
  }
  report({ done: count % BATCH });
  report({ tally: [...tally] });
}

function mapsAsLists(_: string, value: unknown): unknown {
  return value instanceof Map ? [...value] : value;
}

async function main(onEnd: Proof['onEnd']): Promise<Verdict> {
  const total = countOf(process.argv[2], 100_000);
  const first = Number(process.argv[3] ?? 1);
  if (!Number.isSafeInteger(first)) throw new Error('the first seed must be a whole number');
  const workers = Math.max(1, Math.min(2, cpus().length));
  const start = performance.now();
  const tally = new Map<string, number>();
  let done = 0;
  let said = 0;
  const progress = (): void => {
    const seconds = (performance.now() - start) / 1000;
    if (!process.stdout.isTTY && seconds - said < 20) return;
    said = seconds;
    const left = Math.round(((total - done) * seconds) / done);
    process.stdout.write(
      `${process.stdout.isTTY ? '\r' : ''}${done} of ${total} worlds, ${left} s left   ${process.stdout.isTTY ? '' : '\n'}`,
    );
  };
  const finished = Array.from({ length: workers }, (_, stride) => {
    const count = Math.floor((total - stride + workers - 1) / workers);
    const task: Task = { first: first + stride, count, stride: workers };
    const worker = new Worker(__filename, { workerData: task, execArgv: process.execArgv });
    onEnd(() => worker.terminate());
    return new Promise<string | null>((resolve, reject) => {
      worker.once('error', reject);
      worker.once('exit', () => reject(new Error('a worker ended early')));
      worker.on('message', (report: Report) => {
        if ('failed' in report) resolve(report.failed);
        else if ('tally' in report) {
          for (const [key, times] of report.tally) tally.set(key, (tally.get(key) ?? 0) + times);
          resolve(null);
        } else {
          done += report.done;
          progress();
        }
      });
    });
  });
  const failed = await Promise.race([
    Promise.all(finished).then(() => null),
    ...finished.map(async (one) => (await one) ?? new Promise<never>(() => undefined)),
  ]);
  const rows = [...tally].sort(([a], [b]) => a.localeCompare(b)).map(([key, times]) => `  ${key}: ${times}`);
  const seconds = Math.round((performance.now() - start) / 1000);
  process.stdout.write(`\n${done} worlds from seed ${first} in ${seconds} s\n${rows.join('\n')}\n`);
  return { tried: done, faults: failed === null ? [] : [failed] };
}

if (isMainThread) void prove('torture:policy', ({ onEnd }) => main(onEnd));
else work(workerData as Task, (message) => parentPort?.postMessage(message));
