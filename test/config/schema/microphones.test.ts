import { parseConfig } from '../../../src/config/load/load';
import { UsherError } from '../../../src/errors';

const ROOM = `
device: { site: gym, id: box-1 }
microphones:
  - { id: hall, source: { type: arecord, device: 'plughw:1,0' }, words: [{ model: wake-computer }] }
`;
const DOOR = `
cameras: [{ id: cam, source: { type: ffmpeg, input: /dev/video0 } }]
doors: [{ id: front, camera: cam, readers: [r1] }]
`;
const problemsOf = (text: string): string => {
  try {
    parseConfig(text, 'x.yaml');
  } catch (error) {
    expect(error).toBeInstanceOf(UsherError);
    return (error as UsherError).message;
  }
  throw new Error('was accepted');
};

test('a room box needs neither camera nor door, and gets its defaults', () => {
  const { microphones, cameras, doors, wyoming } = parseConfig(ROOM, 'x');
  expect([cameras, doors, wyoming]).toEqual([[], [], null]);
  expect(microphones[0]).toMatchObject({ stallMs: 3000, stuckMs: 30_000, activationLifeMs: 2000 });
  expect(microphones[0]?.words).toEqual([
    { model: 'wake-computer', sensitivity: 'medium', check: null, refractoryMs: 2000 },
  ]);
});

test('a door box may listen too, and a box may do nothing but serve words, on the loopback interface', () => {
  expect(parseConfig(ROOM + DOOR, 'x').microphones).toHaveLength(1);
  const wyoming = 'device: { site: gym, id: b }\nwyoming: { words: [{ model: wake-computer }] }\n';
  expect(parseConfig(wyoming, 'x').wyoming).toMatchObject({ host: '127.0.0.1', port: 10_400, clients: 4 });
});

test.each([
  ['nothing to do at all', 'device: { site: gym, id: box-1 }\n', 'this box has nothing to do'],
  [
    'a camera without a door',
    `${ROOM}cameras: [{ id: cam, source: { type: ffmpeg, input: a } }]\n`,
    'a camera needs a door',
  ],
  [
    'the id of a camera',
    ROOM.replace('id: hall', 'id: cam') + DOOR,
    'microphones[0].id (line 4): found "cam"; a camera has this id',
  ],
  ['a reserved id', ROOM.replace('id: hall', 'id: broker'), 'is reserved'],
  [
    'an id twice',
    `${ROOM}  - { id: hall, source: { type: rec }, words: [{ model: wake-a }] }\n`,
    'microphones[1].id (line 5): found "hall"; is used twice',
  ],
  ['no word', ROOM.replace('[{ model: wake-computer }]', '[]'), 'microphones[0].words'],
  ['a word twice', ROOM.replace('}] }', '}, { model: wake-computer }] }'), 'is named twice'],
  ['a path as a model', ROOM.replace('wake-computer', '../x'), 'the name of a model bundle'],
  ['an option as a device', ROOM.replace('plughw:1,0', '-D'), 'an ALSA device'],
  [
    'standard input twice',
    `${ROOM.replace(/{ type: arecord.*?}/, '{ type: stdin }')}  - { id: b, source: { type: stdin }, words: [{ model: wake-a }] }\n`,
    'standard input belongs to another',
  ],
  [
    'standard input that a reader has',
    `${ROOM.replace(/{ type: arecord.*?}/, '{ type: stdin }')}${DOOR}readers: [{ id: r1, source: { type: stdin } }]\n`,
    'standard input belongs to another',
  ],
  [
    'a name as the address of the server',
    `${ROOM}wyoming: { host: everywhere, words: [{ model: wake-a }] }\n`,
    'wyoming.host',
  ],
])('%s', (_name, text, told) => expect(problemsOf(text)).toContain(told));
