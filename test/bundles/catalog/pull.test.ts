import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openBundle } from '../../../src/inference/bundle';
import { CPU_ONE_THREAD } from '../../../src/inference/model';
import type { CatalogEntry } from '../../../src/bundles/catalog/catalog';
import { type PullOptions, type PullProgress, pullSet } from '../../../src/bundles/catalog/pull';
import { PULL_LIMITS, type PullLimits } from '../../../src/bundles/download/pull-limits';
import { stallAfter, type Handler, ModelServer, serve } from '../model-server';
import { tinyCard, tinyModel } from '../tiny-model';
import { sha256Hex } from '../../../src/digest';

const file = Buffer.from(tinyModel(2, 20_000));
const digest = sha256Hex(file);
const CUT = 30_000;

function entry(urls: string[], name = 'tiny'): CatalogEntry {
  return {
    name,
    file: 'tiny.onnx',
    urls,
    sha256: digest,
    bytes: file.length,
    importer: 'onnx',
    onlyByName: false,
    card: tinyCard(name),
    goldenSize: [1, 1],
  };
}

let models: string;
let servers: ModelServer[];
beforeEach(async () => {
  models = path.join(await mkdtemp(path.join(tmpdir(), 'usher-pull-')), 'models');
  servers = [];
});
afterEach(async () => {
  await Promise.all(servers.map((server) => server.stop()));
  await rm(path.dirname(models), { recursive: true, force: true });
});

async function start(handler: Handler): Promise<ModelServer> {
  const server = await ModelServer.start(handler);
  servers.push(server);
  return server;
}

/** Short limits and no waiting between attempts. */
const limits: PullLimits = { ...PULL_LIMITS, connectMs: 2_000, idleMs: 150, attempts: 3 };
const pull = (urls: string[], more: Partial<PullOptions> = {}): Promise<void> =>
  pullSet({ modelsDir: models, limits, random: () => 0, catalog: [entry(urls)], ...more });

/** Breaks the connection once the first part has arrived. */
const cutting = (server: ModelServer): Partial<PullOptions> => ({
  onProgress: ({ phase, received }) => {
    if (phase === 'fetching' && received === CUT) server.cut();
  },
});

const left = async (): Promise<string[]> => (await readdir(models, { recursive: true }).catch(() => [])).sort();
const installed = async (): Promise<void> => {
  const { model } = await openBundle(path.join(models, 'tiny'), CPU_ONE_THREAD);
  await model.dispose();
  expect(await readdir(models)).toEqual(['tiny']);
};

test('a good server: installed, and a second pull asks nobody', async () => {
  const server = await start(serve(file));
  const seen: PullProgress[] = [];
  await pull([`${server.url}/x`], { onProgress: (progress) => seen.push(progress) });
  await installed();
  expect(seen[0]).toEqual({ name: 'tiny', phase: 'fetching', received: 0, total: file.length });
  expect(seen.at(-1)).toEqual({ name: 'tiny', phase: 'installed', received: file.length, total: file.length });
  await pull([`${server.url}/x`], { onProgress: (progress) => seen.push(progress) });
  expect(seen.at(-1)?.phase).toBe('present');
  expect(server.ranges).toHaveLength(1);
});

test('a cut connection is continued where it broke', async () => {
  const whole = serve(file);
  const server = await start((request, response, count) =>
    (count === 1 ? stallAfter(file, CUT) : whole)(request, response, count),
  );
  await pull([server.url], cutting(server));
  expect(server.ranges).toEqual([undefined, `bytes=${CUT}-`]);
  await installed();
});

test('what an earlier run fetched is continued by the next', async () => {
  const broken = await start((request, response, count) =>
    count === 1
      ? stallAfter(file, CUT)(request, response, count)
      : response.writeHead(503, { 'content-length': 0 }).end(),
  );
  await expect(pull([broken.url], cutting(broken))).rejects.toMatchObject({ code: 'download-failed' });
  expect(await left()).toEqual(['.download', `.download/${digest}.origin`, `.download/${digest}.part`]);
  const server = await start(serve(file));
  await pull([server.url]);
  expect(server.ranges).toEqual([`bytes=${CUT}-`]);
  await installed();
});

test('a server that ignores ranges sends everything again', async () => {
  const server = await start((request, response, count) =>
    count === 1 ? stallAfter(file, CUT)(request, response, count) : response.writeHead(200).end(file),
  );
  await pull([server.url], cutting(server));
  expect(server.ranges).toEqual([undefined, `bytes=${CUT}-`]);
  await installed();
});

test('a file that changed on the server meanwhile (If-Range) is begun anew', async () => {
  const other = Buffer.from(file).fill(7, 0, CUT);
  const server = await start((request, response, count) =>
    (count === 1 ? stallAfter(other, CUT, '"old"') : serve(file, '"new"'))(request, response, count),
  );
  await pull([server.url], cutting(server));
  expect(server.ranges).toEqual([undefined, `bytes=${CUT}-`]);
  await installed();
});

test('a kept beginning that does not fit is thrown away once, then the file is had whole', async () => {
  await mkdir(path.join(models, '.download'), { recursive: true });
  await writeFile(path.join(models, '.download', `${digest}.part`), Buffer.alloc(CUT, 9));
  const server = await start(serve(file));
  await pull([server.url]);
  expect(server.ranges).toEqual([`bytes=${CUT}-`, undefined]);
  await installed();
});

test('a wrong byte: refused, nothing left behind', async () => {
  const wrong = Buffer.from(file);
  wrong[CUT]! ^= 1;
  const server = await start(serve(wrong));
  await expect(pull([server.url])).rejects.toMatchObject({
    code: 'model-invalid',
    message: expect.stringContaining('is not the file of the catalog') as string,
  });
  expect(await left()).toEqual([]);
  expect(server.ranges).toHaveLength(1);
});

test('wrong bytes from a server that also cuts each connection: refused after a bounded number of tries', async () => {
  const wrong = Buffer.alloc(file.length, 5);
  const server = await start((request, response, count) =>
    (count % 2 === 1 ? stallAfter(wrong, CUT) : serve(wrong))(request, response, count),
  );
  await expect(pull([server.url], cutting(server))).rejects.toMatchObject({ code: 'model-invalid' });
  expect(server.ranges.length).toBeLessThanOrEqual(2 * (1 + limits.restarts));
  expect(await left()).toEqual([]);
});

test('endless data is cut off at the pinned size', async () => {
  let sent = 0;
  const server = await start((_request, response) => {
    response.writeHead(200);
    const more = (): void => {
      if (response.destroyed) return;
      sent += 65_536;
      response.write(Buffer.alloc(65_536), () => setImmediate(more));
    };
    more();
  });
  await expect(pull([server.url])).rejects.toMatchObject({
    code: 'model-invalid',
    message: expect.stringContaining(`more than the ${file.length} bytes`) as string,
  });
  expect(await left()).toEqual([]);
  expect(sent).toBeLessThan(64 * file.length);
});

test('too long an announcement is refused before a byte is stored', async () => {
  const server = await start(serve(Buffer.concat([file, Buffer.of(0)])));
  await expect(pull([server.url])).rejects.toMatchObject({ code: 'model-invalid' });
  expect(await left()).toEqual([]);
});

test('404 is final; the next address is tried', async () => {
  const missing = await start((_request, response) => response.writeHead(404).end('no'));
  await expect(pull([missing.url])).rejects.toMatchObject({
    code: 'download-failed',
    message: expect.stringContaining('404') as string,
  });
  expect(missing.ranges).toHaveLength(1);
  const server = await start(serve(file));
  await pull([missing.url, server.url]);
  await installed();
});

test('a server that says "later" gets another try', async () => {
  const server = await start((request, response, count) =>
    count < 3 ? response.writeHead(count === 1 ? 503 : 429).end() : serve(file)(request, response, count),
  );
  await pull([server.url]);
  await installed();
});

test('a stall is noticed, and a stall for ever is an error', async () => {
  const once = await start((request, response, count) =>
    (count === 1 ? stallAfter(file, CUT) : serve(file))(request, response, count),
  );
  await pull([once.url]);
  await installed();
  await rm(models, { recursive: true });
  const silent = await start(() => undefined);
  await expect(pull([silent.url], { limits: { ...limits, connectMs: 50 } })).rejects.toMatchObject({
    code: 'download-failed',
    message: expect.stringContaining('no answer for 50 ms') as string,
  });
  expect(silent.ranges).toHaveLength(limits.attempts);
});

test('redirects are followed, but not for ever, and not to other protocols', async () => {
  const server = await start(serve(file));
  const away = await start((_request, response) => response.writeHead(302, { location: server.url }).end());
  await pull([away.url]);
  await installed();
  await rm(models, { recursive: true });
  const circle = await start((_request, response) => response.writeHead(302, { location: '/again' }).end());
  await expect(pull([circle.url])).rejects.toThrow('redirects more than 5 times');
  expect(circle.ranges).toHaveLength(6);
  const elsewhere = await start((_request, response) =>
    response.writeHead(302, { location: 'file:///etc/passwd' }).end(),
  );
  await expect(pull([elsewhere.url])).rejects.toMatchObject({ code: 'download-failed' });
});

test('a mirror address gets the file name appended', async () => {
  const server = await start(serve(file));
  await pull([], { from: `${server.url}/models/` });
  expect(server.paths).toEqual(['/models/tiny.onnx']);
  await installed();
});

test('cancelling stops, and keeps the part for later', async () => {
  const abort = new AbortController();
  const server = await start(stallAfter(file, CUT));
  const pulling = pull([server.url], {
    limits: PULL_LIMITS,
    signal: abort.signal,
    onProgress: ({ received }) => received === CUT && abort.abort(),
  });
  await expect(pulling).rejects.toMatchObject({ code: 'cancelled' });
  expect((await readFile(path.join(models, '.download', `${digest}.part`))).length).toBe(CUT);
});

describe('from a folder', () => {
  const fill = async (bytes: Uint8Array): Promise<string> => {
    const folder = path.join(path.dirname(models), 'mirror');
    await mkdir(folder);
    await writeFile(path.join(folder, 'tiny.onnx'), bytes);
    return folder;
  };

  test('installed', async () => {
    await pull([], { from: await fill(file) });
    await installed();
  });

  test.each([
    ['a wrong byte', Buffer.from(file).fill(1, 500, 501), 'model-invalid'],
    ['another size', file.subarray(1), 'model-invalid'],
  ])('%s: refused, nothing left behind', async (_what, bytes, code) => {
    await expect(pull([], { from: await fill(bytes) })).rejects.toMatchObject({ code });
    expect(await left()).toEqual([]);
  });

  test('a missing file and a missing folder', async () => {
    await expect(pull([], { from: path.join(models, 'nowhere') })).rejects.toMatchObject({ code: 'model-missing' });
  });
});

test('a name that the catalog does not have is the caller’s mistake', async () => {
  await expect(pull([], { names: ['mbv'] })).rejects.toMatchObject({
    code: 'usage',
    remedy: 'It has: tiny.',
  });
});

test('what is listed by name only is not part of a pull without names', async () => {
  const server = await start(serve(file));
  const catalog = [{ ...entry([server.url]), onlyByName: true }];
  await pull([], { catalog });
  expect(server.ranges).toEqual([]);
  await pull([], { catalog, names: ['tiny'] });
  await installed();
});
