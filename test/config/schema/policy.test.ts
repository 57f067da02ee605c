import { parseConfig } from '../../../src/config/load/load';

const withPolicy = (policy: string, door = 'readers: [r1]'): string => `
device: { site: gym, id: box-1 }
cameras: [{ id: cam, source: { type: ffmpeg, input: /dev/video0 } }]
doors: [{ id: front, camera: cam, ${door} }]
policy: ${policy}
`;
const problemOf = (text: string): string => {
  try {
    parseConfig(text, 'x.yaml');
  } catch (error) {
    return (error as Error).message;
  }
  return 'none';
};
const OPENING = 'schedules: { opening: { weekly: [{ days: [mon], from: 06:00, to: 22:00 }] } }';

describe('the policy section', () => {
  test('as the documentation shows it', () => {
    const text = withPolicy(`
  timeZone: Europe/Berlin
  ${OPENING}
  holidays: [{ date: 2026-12-24, spans: [{ from: 08:00, to: 14:00 }] }, { date: 12-25, schedules: [opening] }]
  zones: { hall: { maxOccupancy: 120 } }
  presenceResetAt: 04:00
  doors:
    front:
      rights: [{ groups: [staff] }, { everyone: true, schedules: [opening] }, { members: ['4711'] }]
      modes: [{ schedule: opening, mode: either }]
      passage: { from: outside, to: hall }
      antiPassback: { zones: true, minutes: 5 }
      twoPerson: { schedule: opening }
  lockout: { reader: { failures: 10, withinSeconds: 60, forSeconds: 60 } }
  rateLimit: { swipes: 30, perSeconds: 60 }`);
    expect(problemOf(text)).toBe('none');
    expect(parseConfig(text, 'x').policy.doors['front']).toMatchObject({
      twoPerson: { windowSeconds: 30 },
      contact: { heldOpenSeconds: 30, graceSeconds: 5 },
    });
  });

  test.each([
    ['an unknown time zone', '{ timeZone: Mars/Olympus }', 'policy.timeZone (line 5): found "Mars/Olympus"'],
    [
      'a span without length',
      '{ schedules: { s: { weekly: [{ days: [mon], from: 06:00, to: 06:00 }] } } }',
      'begins when it ends',
    ],
    ['no time', '{ presenceResetAt: "24:00" }', 'a time like "06:30"'],
    ['no date', '{ holidays: [{ date: 2026-13-01 }] }', 'a date like'],
    [
      'one date twice',
      '{ holidays: [{ date: 12-25 }, { date: 12-25 }] }',
      'policy.holidays[1].date (line 5): found "12-25"; is there twice for the same schedule',
    ],
    ['a right for nobody', '{ doors: { front: { rights: [{ schedules: [] }] } } }', 'names no member'],
    [
      'an unknown door',
      '{ doors: { back: {} } }',
      'policy.doors.back (line 5): found {}; no such door; there is: front',
    ],
    [
      'an unknown schedule',
      '{ doors: { front: { rights: [{ everyone: true, schedules: [night] }] } } }',
      'no such schedule; there is: none',
    ],
    [
      'an unknown schedule of a mode',
      '{ doors: { front: { modes: [{ schedule: night, mode: card-only }] } } }',
      'modes[0].schedule',
    ],
    ['an unknown schedule for two', '{ doors: { front: { twoPerson: { schedule: night } } } }', 'twoPerson.schedule'],
    [
      'an unknown zone',
      '{ doors: { front: { passage: { from: outside, to: hall } } } }',
      'no such zone; there is: outside',
    ],
    [
      'a door that leads nowhere',
      '{ zones: { hall: {} }, doors: { front: { passage: { from: hall, to: hall } } } }',
      'leads from a zone into the same zone',
    ],
    ['anti-passback without zones', '{ doors: { front: { antiPassback: { zones: true } } } }', 'needs `passage`'],
    [
      'a misspelt key',
      '{ doors: { front: { antipassback: {} } } }',
      'policy.doors.front.antipassback (line 5): no such key; did you mean "antiPassback"?',
    ],
    [
      'a misspelt schedule',
      `{ ${OPENING}, doors: { front: { rights: [{ everyone: true, schedules: [openning] }] } } }`,
      'no such schedule; did you mean "opening"? there is: opening',
    ],
    [
      'alarms of a door that nothing watches',
      '{ doors: { front: { contact: { heldOpenSeconds: 20 } } } }',
      'nothing says whether this door is open, so no alarm would ever come; add { door: front } to contacts',
    ],
    [
      'a limit on a room that no door leads into',
      '{ zones: { hall: { maxOccupancy: 20 } } }',
      'no door has a `passage` into this zone',
    ],
  ])('%s', (_, policy, expected) => expect(problemOf(withPolicy(policy))).toContain(expected));

  test('the card cannot be asked for where there is no reader', () => {
    const policy = `{ ${OPENING}, doors: { front: { modes: [{ schedule: opening, mode: card-only }] } } }`;
    expect(problemOf(withPolicy(policy, 'mode: identify'))).toContain('this door has no reader');
  });
});
