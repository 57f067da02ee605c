import { z } from 'zod';
import { UsherError, messageOf } from '../errors';
import { type MqttClient } from './client';
import { withDeadline } from './deadline';
import { MQTT_LIMITS } from './limits';
import { type CommandPayload, type CommandResultPayload } from './payloads';

type Json = z.infer<ReturnType<typeof z.json>>;
type Answer = Pick<CommandResultPayload, 'ok' | 'error' | 'result'>;

interface Verb {
  readonly schema: z.ZodType<object>;
  readonly run: (args: never) => Promise<Json> | Json;
}

/**
 * Commands by verb. Every command that has a correlation id gets one answer, also when it is unknown, ill-formed, too much at once
 * or does not end. There is no verb that opens a door.
 */
export class CommandRegistry {
  private readonly client: Pick<MqttClient, 'subscribe' | 'publish' | 'reject'>;
  private readonly deadlineMs: number;
  private readonly verbs = new Map<string, Verb>();
  private readonly answered = new Set<string>();
  private running = 0;

  constructor(
    client: Pick<MqttClient, 'subscribe' | 'publish' | 'reject'>,
    deadlineMs: number = MQTT_LIMITS.commandMs,
  ) {
    this.client = client;
    this.deadlineMs = deadlineMs;
  }

  /** Before `client.start()`. */
  start(): void {
    this.client.subscribe('command', ({ topic, params: { verb }, payload }) => {
      const id = `${verb} ${payload.id}`;
      // QoS 1 may deliver twice; a camera is restarted once.
      if (this.answered.has(id)) {
        this.client.reject('command', topic, 'duplicate', 'this id was answered before');
        return;
      }
      this.remember(id);
      void this.answer(verb, payload).then((answer) => {
        this.client.publish('commandResult', {}, { v: 1, id: payload.id, verb, ...answer });
      });
    });
  }

  /**
   * @param schema of the verb's own keys, beside `v` and `id`; make it strict, so that a misspelt key is answered.
   * @param run its result must be JSON; what it throws becomes the answer's error.
   */
  onCommand<S extends z.ZodType<object>>(
    verb: string,
    schema: S,
    run: (args: z.infer<S>) => Promise<Json> | Json,
  ): void {
    if (verb === 'result' || this.verbs.has(verb)) throw new Error(`command ${verb} is taken`);
    this.verbs.set(verb, { schema, run });
  }

  private async answer(verb: string, payload: CommandPayload): Promise<Answer> {
    const known = this.verbs.get(verb);
    if (known === undefined) return failure('unknown-command', `there is: ${[...this.verbs.keys()].sort().join(', ')}`);
    const args: Record<string, unknown> = { ...payload };
    delete args['v'];
    delete args['id'];
    const parsed = known.schema.safeParse(args);
    if (!parsed.success) return failure('invalid-arguments', z.prettifyError(parsed.error));
    if (this.running >= MQTT_LIMITS.commandsAtOnce) return failure('busy', `${this.running} commands are under way`);
    this.running++;
    try {
      const result = await withDeadline(this.deadlineMs, Promise.resolve(known.run(parsed.data as never)), () => {
        throw new UsherError('cancelled', `no result within ${this.deadlineMs} ms`);
      });
      return { ok: true, result };
    } catch (error) {
      return failure(error instanceof UsherError ? error.code : 'failed', messageOf(error));
    } finally {
      this.running--;
    }
  }

  private remember(id: string): void {
    this.answered.add(id);
    if (this.answered.size <= MQTT_LIMITS.commandsRemembered) return;
    const oldest = this.answered.values().next();
    if (oldest.done !== true) this.answered.delete(oldest.value);
  }
}

function failure(code: string, message: string): Answer {
  return { ok: false, error: { code, message: message.slice(0, 1024) } };
}
