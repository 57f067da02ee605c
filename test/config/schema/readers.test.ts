import { parseConfig } from '../../../src/config/load/load';
import { isSecured } from '../../../src/config/schema/readers';
import { type UsherError } from '../../../src/errors';

const configOf = (more: string, door = 'readers: [r1]'): string => `
device: { site: gym, id: box-1 }
cameras: [{ id: cam, source: { type: ffmpeg, input: /dev/video0 } }]
doors: [{ id: front, camera: cam, ${door} }]
${more}
`;
const problemsOf = (more: string, door?: string): string => {
  try {
    parseConfig(configOf(more, door), 'x.yaml');
  } catch (error) {
    expect((error as UsherError).code).toBe('config-invalid');
    return (error as UsherError).message;
  }
  throw new Error('was accepted');
};
const CARD_ONLY = `policy: { schedules: { day: { weekly: [{ days: [mon], from: '08:00', to: '20:00' }] } }, doors: { front: { modes: [{ schedule: day, mode: card-only }] } } }`;

describe('readers and contacts in a configuration', () => {
  test('a key makes a reader secured, unless it is said not to be', () => {
    expect(isSecured({ security: undefined, keyFile: undefined })).toBe(false);
    expect(isSecured({ security: undefined, keyFile: 'k' })).toBe(true);
    expect(isSecured({ security: 'none', keyFile: 'k' })).toBe(false);
    expect(isSecured({ security: 'required', keyFile: 'k' })).toBe(true);
  });

  test.each([
    ['readers: [{ id: r1 }]'],
    ['readers: [{ id: r1, keyFile: r1.key }]'],
    ['readers: [{ id: r1, source: { type: evdev, device: /dev/input/by-id/usb-ACME_Reader-event-kbd } }]'],
    ['readers: [{ id: r1, keyFile: k, source: { type: serial, device: /dev/ttyUSB0, baud: 115200 } }]'],
    ['readers: [{ id: r1, source: { type: command, argv: [/opt/reader, --lines] } }]'],
    ['contacts: [{ door: front, keyFile: k }]'],
    ['contacts: [{ door: front, source: { type: gpio, line: 17 } }]'],
    [`${CARD_ONLY}\nreaders: [{ id: r1, keyFile: k }]`],
  ])('%s', (more) => expect(parseConfig(configOf(more), 'x.yaml').doors).toHaveLength(1));

  const BAD: [what: string, more: string, told: string, door?: string][] = [
    ['a reader of no door', 'readers: [{ id: r2 }]', 'readers[0].id (line 5): found "r2"; no door has this reader'],
    ['a reader twice', 'readers: [{ id: r1 }, { id: r1 }]', 'readers[1].id (line 5): found "r1"; is used twice'],
    ['required without a key', 'readers: [{ id: r1, security: required }]', 'needs a keyFile'],
    [
      'a keyboard that should sign',
      'readers: [{ id: r1, keyFile: k, source: { type: evdev, device: /dev/input/event3 } }]',
      'a source of type evdev has no way to sign',
    ],
    [
      'a device that is none',
      'readers: [{ id: r1, source: { type: evdev, device: /dev/input/../sda } }]',
      'a device like /dev/input',
    ],
    [
      'a way out of /dev',
      'readers: [{ id: r1, source: { type: serial, device: /dev/../etc/passwd } }]',
      'a device like /dev/ttyUSB0',
    ],
    [
      'one port, two readers',
      'readers: [{ id: r1, source: { type: serial, device: /dev/ttyS0 } }, { id: r2, source: { type: serial, device: /dev/ttyS0 } }]',
      'another of the readers has this device',
      'readers: [r1, r2]',
    ],
    ['a shell in place of arguments', 'readers: [{ id: r1, source: { type: command, argv: "cat x" } }]', 'source.argv'],
    ['a contact of no door', 'contacts: [{ door: back }]', 'no such door; there is: front'],
    [
      'a camera by the name of a reader’s health topic',
      'readers: [{ id: cam }]',
      'cameras[0].id (line 3): found "reader-cam"; is the health topic of a reader',
      'readers: [cam]',
    ],
    [
      'a card alone at a reader that anybody can write for',
      CARD_ONLY,
      'every reader needs security: required; without it: r1',
    ],
    [
      'a card alone at two readers, one of them weak',
      `${CARD_ONLY}\nreaders: [{ id: r1, keyFile: k }]`,
      'without it: r2',
      'readers: [r1, r2]',
    ],
  ];
  test.each(BAD.map(([what, more, told, door = 'readers: [r1]']) => [what, more, told, door] as const))(
    '%s',
    (what, more, told, door) => {
      if (what.startsWith('a camera by')) {
        const text = configOf(more, door)
          .replace('{ id: cam, source', '{ id: reader-cam, source')
          .replace('camera: cam,', 'camera: reader-cam,');
        expect(() => parseConfig(text, 'x.yaml')).toThrow(told);
      } else expect(problemsOf(more, door)).toContain(told);
    },
  );
});
