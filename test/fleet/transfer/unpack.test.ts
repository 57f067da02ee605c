import { readFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { sha256Hex } from '../../../src/digest';
import { packTar, readTarHeader, TAR_BLOCK, tarHeader } from '../../../src/fleet/transfer/tar';
import type { ReleaseDocument } from '../../../src/fleet/release';
import { refusal, Rig } from '../rig';

jest.setTimeout(120_000);

type Files = Map<string, Buffer>;

/** A header with fields that `tarHeader` does not write, its checksum made right. */
function header(name: string, bytes: number, fields: Readonly<Record<number, string>> = {}): Buffer {
  const block = tarHeader({ name: 'placeholder', bytes });
  block.fill(0, 0, 100);
  block.write(name, 0, 100, 'latin1');
  for (const [at, text] of Object.entries(fields)) block.write(text, Number(at), 'latin1');
  block.fill(0x20, 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'ascii');
  return block;
}

const END = Buffer.alloc(2 * TAR_BLOCK);
const body = (text: string): Buffer => Buffer.concat([Buffer.from(text), Buffer.alloc(TAR_BLOCK - text.length)]);
const CARD = header('card.json', 2);

const SHAPES: [reason: string, what: string, tar: Buffer][] = [
  ['archive-link', 'a symbolic link', Buffer.concat([header('x', 0, { 156: '2', 157: '/etc/passwd' }), END])],
  ['archive-link', 'a hard link', Buffer.concat([header('x', 0, { 156: '1', 157: 'card.json' }), END])],
  ['archive-link', 'a folder', Buffer.concat([header('x', 0, { 156: '5' }), END])],
  ['archive-link', 'a device', Buffer.concat([header('x', 0, { 156: '3' }), END])],
  ['archive-link', 'a pax header that renames', Buffer.concat([header('x', 2, { 156: 'x' }), body('{}'), END])],
  ['archive-link', 'a GNU long name', Buffer.concat([header('x', 2, { 156: 'L' }), body('{}'), END])],
  ['archive-path', 'a way up', Buffer.concat([header('../x', 2), body('{}'), END])],
  ['archive-path', 'an absolute path', Buffer.concat([header('/etc/x', 2), body('{}'), END])],
  ['archive-path', 'a folder within', Buffer.concat([header('a/b', 2), body('{}'), END])],
  ['archive-path', 'a prefix', Buffer.concat([header('x', 2, { 345: '..' }), body('{}'), END])],
  ['archive-path', 'a hidden file', Buffer.concat([header('.bashrc', 2), body('{}'), END])],
  ['archive-path', 'no name', Buffer.concat([header('', 2), body('{}'), END])],
  ['archive-path', 'a backslash', Buffer.concat([header('..\\x', 2), body('{}'), END])],
  ['archive-path', 'a name twice', Buffer.concat([CARD, body('{}'), CARD, body('[]'), END])],
  ['archive-malformed', 'a set-uid mode', Buffer.concat([header('card.json', 2, { 100: '0004755' }), body('{}'), END])],
  ['archive-malformed', 'a size beyond the end', Buffer.concat([header('x', 5000), body('{}'), END])],
  [
    'archive-malformed',
    'a size that is none',
    Buffer.concat([header('x', 2, { 124: '\x80aaaaaaaaaaa' }), body('{}'), END]),
  ],
  ['archive-malformed', 'bytes behind a file', Buffer.concat([CARD, body('{}hidden'), END])],
  ['archive-malformed', 'no end', Buffer.concat([CARD, body('{}')])],
  ['archive-malformed', 'bytes behind the end', Buffer.concat([CARD, body('{}'), END, body('x')])],
  ['archive-malformed', 'a wrong checksum', Buffer.concat([Buffer.from(CARD).fill(0x41, 10, 11), body('{}'), END])],
  ['archive-malformed', 'no tar at all', Buffer.alloc(2048, 0x41)],
  [
    'archive-too-many',
    'very many files',
    Buffer.concat([...Array.from({ length: 65 }, (_, n) => header(`f${n}`, 0)), END]),
  ],
  ['card-invalid', 'nothing in it', END],
];

describe('an archive that the fleet signed all the same', () => {
  let rig: Rig;
  let files: Files;
  let model: ReleaseDocument['model'];
  beforeAll(async () => {
    rig = await Rig.start();
    const dir = await rig.bundle('tiny', '9.9.9');
    const names = ['card.json', 'model.onnx', 'golden-input.f32', 'golden-output-0.f32'];
    files = new Map(names.map((name) => [name, readFileSync(path.join(dir, name))]));
    model = { name: 'tiny', version: '9.9.9', sha256: sha256Hex(files.get('model.onnx')!) };
  });
  afterAll(() => rig.stop());

  it.each(SHAPES)('%s: %s', async (reason, _, tar) => {
    const box = rig.box();
    expect(await refusal(box.take(rig.offer(rig.sign(tar))))).toBe(reason);
    expect(box.installed).toEqual([]);
  });

  const card = (change: object, base: Files): Files =>
    new Map(base).set(
      'card.json',
      Buffer.from(JSON.stringify({ ...(JSON.parse(String(base.get('card.json'))) as object), ...change })),
    );
  const HOSTILE: [reason: string, what: string, (files: Files) => Files][] = [
    ['taken', 'what it says', (good) => good],
    ['card-invalid', 'no card', (good) => new Map([...good].filter(([name]) => name !== 'card.json'))],
    ['card-invalid', 'a card that is no JSON', (good) => new Map(good).set('card.json', Buffer.from('{'))],
    [
      'card-invalid',
      'a card nested very deep',
      (good) => new Map(good).set('card.json', Buffer.from('['.repeat(100_000))),
    ],
    ['card-invalid', 'a card of another schema', (good) => card({ schema: 2 }, good)],
    ['card-invalid', 'a key that nobody knows', (good) => card({ run: 'rm -rf /' }, good)],
    ['card-invalid', 'a model outside', (good) => card({ model: '../../etc/passwd' }, good)],
    ['card-invalid', 'a model without a digest', (good) => card({ model: 'other.onnx' }, good)],
    ['card-invalid', 'a model named like what every object has', (good) => card({ model: 'constructor' }, good)],
    ['card-differs', 'another name', (good) => card({ name: 'other' }, good)],
    ['card-differs', 'another version', (good) => card({ version: '1.0.0' }, good)],
    ['oversize', 'a card of megabytes', (good) => card({ summary: 'x'.repeat(300_000) }, good)],
    [
      'file-unlisted',
      'a file that the card does not name',
      (good) => new Map(good).set('run.sh', Buffer.from('#!/bin/sh')),
    ],
    [
      'file-missing',
      'a file that is not there',
      (good) => new Map([...good].filter(([name]) => name !== 'golden-input.f32')),
    ],
    ['file-digest', 'a network other than the card’s', (good) => new Map(good).set('model.onnx', Buffer.from('x'))],
  ];
  it.each(HOSTILE)('%s: %s', async (reason, _, spoil) => {
    const box = rig.box();
    expect(await refusal(box.take(rig.offer(rig.sign(packTar(spoil(files)), { model }))))).toBe(reason);
    expect(box.installed.length).toBe(reason === 'taken' ? 1 : 0);
  });

  it('an embedding space other than the release’s', async () => {
    const embedding = { space: 'another-v1', rule: 'same' as const };
    expect(await refusal(rig.box().take(rig.offer(rig.sign(packTar(files), { model, embedding }))))).toBe(
      'card-differs',
    );
  });

  const other = { embedding: null } as const;
  const table = (change: object = {}): Buffer =>
    Buffer.from(JSON.stringify({ v: 1, model, output: { thresholds: [{ fmr: 0.01 }] }, ...change }));
  it.each<[string, string, () => [Map<string, Buffer>, Partial<ReleaseDocument>]]>([
    ['taken', 'thresholds', () => [new Map([['thresholds.json', table()]]), { ...other, kind: 'thresholds', model }]],
    [
      'thresholds-invalid',
      'thresholds for another model',
      () => [
        new Map([['thresholds.json', table({ model: { ...model!, name: 'x' } })]]),
        { ...other, kind: 'thresholds', model },
      ],
    ],
    [
      'thresholds-invalid',
      'no table',
      () => [new Map([['thresholds.json', table({ output: {} })]]), { ...other, kind: 'thresholds', model }],
    ],
    [
      'file-unlisted',
      'more than a table',
      () => [
        new Map([
          ['thresholds.json', table()],
          ['a', table()],
        ]),
        { ...other, kind: 'thresholds', model },
      ],
    ],
    [
      'config-invalid',
      'settings that no fleet may change',
      () => [
        new Map([['config.yaml', readFileSync('device-config/gym-entrance.yaml')]]),
        { ...other, kind: 'config', model: null },
      ],
    ],
    [
      'file-missing',
      'no settings',
      () => [new Map([['x', Buffer.from('')]]), { ...other, kind: 'config', model: null }],
    ],
    [
      'taken',
      'settings',
      () => [
        new Map([['config.yaml', Buffer.from('log: { level: warn }')]]),
        { ...other, kind: 'config', model: null },
      ],
    ],
  ])('%s: %s', async (reason, _, make) => {
    const [content, change] = make();
    expect(await refusal(rig.box().take(rig.offer(rig.sign(packTar(content), change))))).toBe(reason);
  });
});

describe('the plain tar', () => {
  const name = fc.stringMatching(/^[A-Za-z0-9]([A-Za-z0-9_-]{0,20}[A-Za-z0-9])?$/);

  it('is the same bytes for the same files, in whatever order they come', () => {
    fc.assert(
      fc.property(fc.dictionary(name, fc.uint8Array({ maxLength: 1500 }), { maxKeys: 6 }), (files) => {
        const entries = Object.entries(files);
        const tar = packTar(new Map(entries));
        expect(packTar(new Map(entries.reverse())).equals(tar)).toBe(true);
        expect(tar.length % TAR_BLOCK).toBe(0);
      }),
    );
  });

  it('reads no header but those that it writes', () => {
    const good = tarHeader({ name: 'model.onnx', bytes: 1234 });
    expect(readTarHeader(good)).toEqual({ name: 'model.onnx', bytes: 1234 });
    for (let bit = 0; bit < good.length * 8; bit++) {
      const spoilt = Buffer.from(good);
      spoilt[bit >> 3] = (spoilt[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(() => readTarHeader(spoilt)).toThrow(/archive-|oversize/);
    }
  });
});
