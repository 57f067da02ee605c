import { registerBoxCommands, type BoxParts } from '../../../src/daemon/commands/box-commands';
import { CommandRegistry } from '../../../src/mqtt/requests/commands';
import { type InboundHandler } from '../../../src/mqtt/inbound/inbound';
import { CommandResultPayload } from '../../../src/mqtt/topics/payloads';
import { until } from '../../support/until';

/** The box's commands over doors, cameras and microphones that only count. */
function box(phase: { front: string }) {
  const answers: CommandResultPayload[] = [];
  const done: string[] = [];
  let handler: InboundHandler<'command'> | undefined;
  const registry = new CommandRegistry({
    subscribe: (_key, given) => {
      handler = given as unknown as InboundHandler<'command'>;
    },
    publish: (_key, _params, payload) => {
      answers.push(CommandResultPayload.parse(payload));
      return 'sent';
    },
    reject: () => undefined,
  });
  const devices = (kind: string, ids: string[]) => ({
    counts: ids.map((id) => ({ id })),
    restart: (id: string) => done.push(`${kind} ${id}`),
  });
  registerBoxCommands(registry, {
    bootId: 'boot',
    doors: {
      all: [
        { door: { id: 'front', camera: 'hall' }, phase: () => phase.front },
        { door: { id: 'back', camera: 'yard' }, phase: () => 'closed' },
      ],
      refresh: () => done.push('reload'),
    },
    cameras: devices('camera', ['hall', 'yard']),
    voices: devices('microphone', ['desk']),
    health: { get: () => ({ state: 'ok' }), entries: () => [] },
    monotonicMs: () => 0,
  } as unknown as BoxParts);
  registry.start();
  let sent = 0;
  const send = async (verb: string, args: object = {}): Promise<CommandResultPayload> => {
    const id = `c${sent++}`;
    handler?.({ topic: `command/${verb}`, params: { verb }, payload: { v: 1, id, ...args }, dup: false });
    await until('an answer', () => answers.some((answer) => answer.id === id));
    return answers.find((answer) => answer.id === id)!;
  };
  return { send, done };
}

test.each(['awaiting-face', 'identifying'])('while a door is %s, its camera and its members stay', async (phase) => {
  const { send, done } = box({ front: phase });
  for (const [verb, args] of [
    ['restart-camera', { camera: 'hall' }],
    ['reload-members', {}],
  ] as const)
    expect((await send(verb, args)).error).toEqual({
      code: 'not-now',
      message: 'the door front is deciding about a person: try again in 10 s',
    });
  expect(done).toEqual([]);
  // Another camera looks at another door.
  expect(await send('restart-camera', { camera: 'yard' })).toMatchObject({ ok: true });
  expect(done).toEqual(['camera yard']);
});

test('what interrupts something is limited, and names that nobody has share one limit', async () => {
  const { send, done } = box({ front: 'closed' });
  for (let i = 0; i < 20; i++) {
    await send('restart-camera', { camera: 'hall' });
    await send('restart-microphone', { microphone: 'desk' });
    await send('reload-members');
  }
  const times = (what: string): number => done.filter((each) => each === what).length;
  expect([times('camera hall'), times('microphone desk'), times('reload')]).toEqual([3, 3, 5]);
  for (let i = 0; i < 5; i++) await send('restart-camera', { camera: `made-up-${i}` });
  expect(done.filter((each) => each.startsWith('camera made-up'))).toHaveLength(3);
  expect(await send('restart-camera', { camera: 'yard' })).toMatchObject({ ok: true });
});
