import { Timeline } from '../../../src/lab/demo/timeline';

const ID = '7b0e7f62-4c1f-4b5e-9c55-3f1f2f0d9a10';

function watching() {
  const lines: string[] = [];
  const timeline = new Timeline(
    'member',
    () => 1500,
    (line) => lines.push(line),
  );
  const hear = (topic: string, payload: object): void =>
    timeline.hear(`usher/v1/demo/entrance/${topic}`, Buffer.from(JSON.stringify({ v: 1, ...payload })));
  const healthy = (component: string): void =>
    hear(`health/${component}`, {
      ...{ component, state: 'ok', at: 1, lastProgressAt: 1, progressAgeMs: 0, detail: null, remedy: null },
    });
  const activated = (microphone: string): void =>
    hear(`event/${microphone}/activation`, {
      ...{ microphone, word: 'computer', model: 'wake-computer', score: 0.98 },
      ...{ startAt: 1, endAt: 2, at: 3, notAfter: 4, bootId: ID },
    });
  return { timeline, lines, healthy, activated };
}

const ROOMS = { word: 'floor', nearMiss: 'corridor' };

describe('what the demo makes of the rooms', () => {
  test('the word in the one room, and another that listened in vain', () => {
    const { timeline, lines, healthy, activated } = watching();
    healthy('floor');
    healthy('corridor');
    expect(timeline.hearing(ROOMS)).toEqual({ heard: false, silent: true });
    activated('floor');
    expect(timeline.hearing(ROOMS)).toEqual({ heard: true, silent: true });
    expect(lines).toEqual(['   1.5 s  🎤 heard “computer” in floor (score 0.98)']);
  });

  test('a room that activated at the near miss was not silent', () => {
    const { timeline, healthy, activated } = watching();
    healthy('corridor');
    activated('corridor');
    expect(timeline.hearing(ROOMS)).toEqual({ heard: false, silent: false });
  });

  test('a room that nobody listened in was not silent either', () => {
    expect(watching().timeline.hearing(ROOMS).silent).toBe(false);
  });

  test('a message that is none is told of, and proves nothing', () => {
    const { timeline, lines } = watching();
    timeline.hear('usher/v1/demo/entrance/event/floor/activation', Buffer.from('{"v":1}'));
    expect(timeline.hearing(ROOMS).heard).toBe(false);
    expect(lines[0]).toContain('invalid activation');
  });
});
