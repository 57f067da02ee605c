import { z } from 'zod';
import { UsherError, messageOf } from '../../errors';
import { type RateLimit, TokenBucket } from '../../rx/token-bucket';
import { type MqttClient } from '../client/client';
import { withDeadline } from '../link/deadline';
import { type InboundHandler, type SignatureRefusal } from '../inbound/inbound';
import { COMMAND_LIMITS, MQTT_LIMITS } from '../topics/limits';
import { type CommandPayload, type CommandResultPayload } from '../topics/payloads';

export type Json = z.infer<ReturnType<typeof z.json>>;
type Answer = Pick<CommandResultPayload, 'ok' | 'error' | 'result'>;

/** Checks whether the sender may give the command. Null: allowed, and this very command will not be admitted again. */
export interface CommandAdmission {
  admit(verb: string, payload: CommandPayload): { readonly reason: SignatureRefusal; readonly detail: string } | null;
}

export interface VerbOptions<Args = never> {
  /** Only from the holder of a trusted key: every verb that changes who may enter. */
  readonly signed?: boolean;
  /** How often it is carried out; `COMMAND_LIMITS` has the default. */
  readonly limit?: RateLimit;
  /** What the limit counts for, such as one camera; its values must be few. Without it, the verb as a whole. */
  readonly limitFor?: (args: Args) => string;
  /** Why it may not be carried out at this moment; null: it may. Does not use up the limit. */
  readonly notNow?: (args: Args) => string | null;
}

export interface CommandOptions {
  readonly deadlineMs?: number;
  /** Needed for signed verbs. */
  readonly admission?: CommandAdmission;
  readonly monotonicMs?: () => number;
}

/** Who gave a command. */
export interface CommandSender {
  /** Id of the key that signed it; null for an unsigned verb. */
  readonly key: string | null;
}

interface Verb {
  readonly schema: z.ZodType<object>;
  readonly run: (args: never, sender: CommandSender) => Promise<Json> | Json;
  readonly signed: boolean;
  readonly limit: RateLimit;
  readonly limitFor: (args: never) => string;
  readonly notNow: (args: never) => string | null;
  readonly buckets: Map<string, TokenBucket>;
}

/** Of the frame and of the signature: no verb's own. */
const FRAME_KEYS = ['v', 'id'];
const SIGNATURE_KEYS = ['issuedAt', 'notAfter', 'nonce', 'key', 'sig'];

/**
 * Commands by verb. Every command with a correlation id gets one answer, even if it is unknown, invalid, unsigned, one
 * too many or does not end. No verb opens a door.
 */
export class CommandRegistry {
  private readonly client: Pick<MqttClient, 'subscribe' | 'publish' | 'reject'>;
  private readonly deadlineMs: number;
  private readonly admission: CommandAdmission | null;
  private readonly monotonicMs: () => number;
  private readonly verbs = new Map<string, Verb>();
  private readonly answered = new Set<string>();
  private running = 0;

  constructor(client: Pick<MqttClient, 'subscribe' | 'publish' | 'reject'>, options: CommandOptions = {}) {
    this.client = client;
    this.deadlineMs = options.deadlineMs ?? MQTT_LIMITS.commandMs;
    this.admission = options.admission ?? null;
    this.monotonicMs = options.monotonicMs ?? (() => performance.now());
  }

  /** Every verb that there is, sorted. */
  get known(): readonly string[] {
    return [...this.verbs.keys()].sort();
  }

  /** Before `client.start()`. */
  start(): void {
    const hear: InboundHandler<'command'> = ({ topic, params: { verb }, payload }) => {
      const id = `${verb} ${payload.id}`;
      // QoS 1 may deliver twice; a camera is restarted once.
      if (this.answered.has(id)) {
        this.client.reject('command', topic, 'duplicate', 'this id was answered before');
        return;
      }
      const known = this.verbs.get(verb);
      const refused = known?.signed === true ? this.refusal(verb, payload) : null;
      if (refused === null) {
        // Only now: an attacker who guesses an id must not use it up for the legitimate sender.
        this.remember(id);
        void this.answer(known, payload).then((answer) => this.reply(verb, payload, answer));
        return;
      }
      this.client.reject('command', topic, refused.reason, refused.detail);
      this.reply(verb, payload, failure(refused.reason, refused.detail));
    };
    this.client.subscribe('command', hear, {}, () => this.known);
  }

  /**
   * @param schema of the verb's arguments, in addition to the keys of frame and signature; make it strict, so that a
   * misspelt key is reported
   * @param run its result must be JSON; what it throws becomes the answer's error
   */
  onCommand<S extends z.ZodType<object>>(
    verb: string,
    schema: S,
    run: (args: z.infer<S>, sender: CommandSender) => Promise<Json> | Json,
    options: VerbOptions<z.infer<S>> = {},
  ): void {
    const { signed = false, limit = signed ? COMMAND_LIMITS.signed : COMMAND_LIMITS.plain } = options;
    const { limitFor = () => '', notNow = () => null } = options;
    if (verb === 'result' || this.verbs.has(verb)) throw new Error(`command ${verb} is taken`);
    if (signed && this.admission === null) throw new Error(`command ${verb} is signed, and nothing judges signatures`);
    this.verbs.set(verb, { schema, run, signed, limit, limitFor, notNow, buckets: new Map() });
  }

  private refusal(verb: string, payload: CommandPayload): ReturnType<CommandAdmission['admit']> {
    return this.admission === null
      ? { reason: 'unknown-key', detail: 'this box trusts no key' }
      : this.admission.admit(verb, payload);
  }

  private reply(verb: string, { id }: CommandPayload, answer: Answer): void {
    this.client.publish('commandResult', {}, { v: 1, id, verb, ...answer });
  }

  private async answer(known: Verb | undefined, payload: CommandPayload): Promise<Answer> {
    if (known === undefined) return failure('unknown-command', `there is: ${this.known.join(', ')}`);
    const frame = known.signed ? [...FRAME_KEYS, ...SIGNATURE_KEYS] : FRAME_KEYS;
    const args = Object.fromEntries(Object.entries(payload).filter(([key]) => !frame.includes(key)));
    const parsed = known.schema.safeParse(args);
    if (!parsed.success) return failure('invalid-arguments', z.prettifyError(parsed.error));
    if (this.running >= MQTT_LIMITS.commandsAtOnce) return failure('busy', `${this.running} commands are under way`);
    const early = this.tooEarly(known, parsed.data);
    if (early !== null) return early;
    this.running++;
    try {
      const sender = { key: known.signed ? String(payload['key']) : null };
      const result = await withDeadline(
        this.deadlineMs,
        Promise.resolve(known.run(parsed.data as never, sender)),
        () => {
          throw new UsherError('cancelled', `no result within ${this.deadlineMs} ms`);
        },
      );
      return { ok: true, result };
    } catch (error) {
      return failure(error instanceof UsherError ? error.code : 'failed', messageOf(error));
    } finally {
      this.running--;
    }
  }

  /** Why the command is refused for now, and when to try again. */
  private tooEarly(verb: Verb, args: object): Answer | null {
    const why = verb.notNow(args as never);
    if (why !== null) return failure('not-now', why);
    const now = this.monotonicMs();
    const key = verb.limitFor(args as never);
    const bucket = verb.buckets.get(key) ?? new TokenBucket(verb.limit);
    verb.buckets.set(key, bucket);
    if (bucket.take(now)) return null;
    const { burst, everyMs } = verb.limit;
    const seconds = Math.ceil(bucket.waitMs(now) / 1000);
    return failure(
      'too-often',
      `at most ${burst} at once, and then one every ${everyMs / 1000} s: try again in ${seconds} s`,
    );
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
