import { z } from 'zod';
import { UsherError } from '../../../src/errors';
import { CommandRegistry } from '../../../src/mqtt/requests/commands';
import { type InboundHandler } from '../../../src/mqtt/inbound/inbound';
import { COMMAND_LIMITS, MQTT_LIMITS } from '../../../src/mqtt/topics/limits';
import { CommandResultPayload } from '../../../src/mqtt/topics/payloads';
import { until } from '../../support/until';

function make(deadlineMs?: number, monotonicMs: () => number = () => 0) {
  const answers: CommandResultPayload[] = [];
  const rejected: string[] = [];
  let handler: InboundHandler<'command'> | undefined;
  const registry = new CommandRegistry(
    {
      subscribe: (_key, given) => {
        handler = given as unknown as InboundHandler<'command'>;
      },
      publish: (_key, _params, payload) => {
        answers.push(CommandResultPayload.parse(payload));
        return 'sent';
      },
      reject: (_key, _topic, reason) => rejected.push(reason),
    },
    { monotonicMs, ...(deadlineMs === undefined ? {} : { deadlineMs }) },
  );
  const send = (verb: string, id: string, extra: Record<string, unknown> = {}) =>
    handler?.({ topic: `command/${verb}`, params: { verb }, payload: { v: 1, id, ...extra }, dup: false });
  return { registry, answers, rejected, send };
}

const Camera = z.strictObject({ camera: z.string() });

describe('commands', () => {
  it('are answered under their id, once', async () => {
    const { registry, answers, rejected, send } = make();
    const restarted: string[] = [];
    registry.onCommand('restart-camera', Camera, ({ camera }) => {
      restarted.push(camera);
      return { camera };
    });
    registry.start();
    send('restart-camera', 'a1', { camera: 'hall' });
    send('restart-camera', 'a1', { camera: 'hall' });
    await until('the answer', () => answers.length > 0);
    expect(answers).toEqual([{ v: 1, id: 'a1', verb: 'restart-camera', ok: true, result: { camera: 'hall' } }]);
    expect(restarted).toEqual(['hall']);
    expect(rejected).toEqual(['duplicate']);
  });

  it.each([
    ['unlock', {}, 'unknown-command', /there is: fail, ping, restart-camera, throw/],
    ['restart-camera', {}, 'invalid-arguments', /camera/],
    ['restart-camera', { camera: 'a', force: true }, 'invalid-arguments', /force/],
    ['ping', { camera: 'a' }, 'invalid-arguments', /camera/],
    ['fail', {}, 'store-locked', /in use/],
    ['throw', {}, 'failed', /a string/],
  ])('%s %j is answered with %s', async (verb, extra, code, message) => {
    const { registry, answers, send } = make();
    registry.onCommand('ping', z.strictObject({}), () => null);
    registry.onCommand('restart-camera', Camera, () => null);
    registry.onCommand('fail', z.strictObject({}), () => {
      throw new UsherError('store-locked', 'in use');
    });
    // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- libraries here throw strings
    registry.onCommand('throw', z.strictObject({}), () => Promise.reject('a string'));
    registry.start();
    send(verb, 'x', extra);
    await until('the answer', () => answers.length > 0);
    expect(answers[0]).toMatchObject({ id: 'x', verb, ok: false, error: { code } });
    expect(answers[0]?.error?.message).toMatch(message);
  });

  it('that do not end are answered at the deadline, and too many at once at once', async () => {
    const { registry, answers, send } = make(50);
    registry.onCommand('hang', z.strictObject({}), () => new Promise<never>(() => undefined));
    registry.start();
    for (let index = 0; index <= MQTT_LIMITS.commandsAtOnce; index++) send('hang', `h${index}`);
    await until('all answers', () => answers.length === MQTT_LIMITS.commandsAtOnce + 1);
    expect(answers.map((answer) => answer.error?.code)).toEqual([
      'busy',
      ...Array.from({ length: MQTT_LIMITS.commandsAtOnce }, () => 'cancelled'),
    ]);
    send('hang', 'again');
    await until('a place again', () => answers.length === MQTT_LIMITS.commandsAtOnce + 2);
    expect(answers.at(-1)).toMatchObject({ id: 'again', error: { code: 'cancelled' } });
  });

  it('take no verb twice, and never the topic of the answers', () => {
    const { registry } = make();
    registry.onCommand('ping', z.strictObject({}), () => null);
    expect(() => registry.onCommand('ping', z.strictObject({}), () => null)).toThrow('taken');
    expect(() => registry.onCommand('result', z.strictObject({}), () => null)).toThrow('taken');
  });

  it('are carried out as often as their limit says, for each device, and say when to try again', async () => {
    let now = 0;
    const { registry, answers, send } = make(undefined, () => now);
    const restarted: string[] = [];
    registry.onCommand(
      'restart-camera',
      Camera,
      ({ camera }) => {
        restarted.push(camera);
        return null;
      },
      { limit: COMMAND_LIMITS.restart, limitFor: ({ camera }) => camera },
    );
    registry.start();
    // One a second for ten minutes, as an attacker would: three at once, and then one every five minutes.
    for (; now < 600_000; now += 1000) {
      send('restart-camera', `hall-${now}`, { camera: 'hall' });
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(restarted).toHaveLength(3 + 1);
    expect(answers).toHaveLength(600);
    expect(answers[3]).toMatchObject({
      ok: false,
      error: { code: 'too-often', message: 'at most 3 at once, and then one every 300 s: try again in 297 s' },
    });
    send('restart-camera', 'side', { camera: 'side' });
    await until('the other camera', () => restarted.includes('side'));
  });

  it('that come at a bad moment are refused without using up their limit', async () => {
    let busy: string | null = 'the door front is deciding';
    const { registry, answers, send } = make();
    registry.onCommand('reload', z.strictObject({}), () => null, {
      limit: { burst: 1, everyMs: 1e9 },
      notNow: () => busy,
    });
    registry.start();
    for (let i = 0; i < 5; i++) send('reload', `early-${i}`);
    busy = null;
    send('reload', 'now');
    await until('all answers', () => answers.length === 6);
    expect(answers.filter(({ error }) => error?.code === 'not-now')).toHaveLength(5);
    expect(answers.find(({ id }) => id === 'early-0')?.error?.message).toBe('the door front is deciding');
    expect(answers.find(({ id }) => id === 'now')).toMatchObject({ ok: true });
  });
});
