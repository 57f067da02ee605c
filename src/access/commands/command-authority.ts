import { z } from 'zod';
import { COMMAND_AHEAD_MS, COMMAND_LIFE_MS, type CommandLedger } from './command-ledger';
import type { TrustedKey } from '../keys/device-key';
import type { REFUSALS } from '../reasons';
import type { JudgedClock } from '../swipes/swipe-judge';

/**
 * Verbs that change who may enter need the signature of a key holder: a client that can publish on the broker must not
 * be able to admit people.
 */
export type CommandRefusalReason = Extract<
  keyof typeof REFUSALS,
  | 'unsigned'
  | 'unknown-key'
  | 'bad-signature'
  | 'clock-doubtful'
  | 'expired'
  | 'from-future'
  | 'replayed'
  | 'counter-unsaved'
>;

export interface CommandRefusal {
  readonly reason: CommandRefusalReason;
  readonly detail: string;
}

/** Which box a command is meant for. */
export interface CommandScope {
  readonly site: string;
  readonly device: string;
}

export const COMMAND_DOMAIN = 'usher-command-v1';
const Time = z.number().int().min(0).max(8.64e15);
const Signed = z.looseObject({
  issuedAt: Time,
  notAfter: Time,
  nonce: z.string().regex(/^[0-9a-f]{32}$/),
  key: z.string().regex(/^[0-9a-f]{16}$/),
  sig: z.string().regex(/^[0-9a-f]{128}$/),
});

/** The keys of a payload that belong to the signature and not to the verb. */
export const SIGNATURE_KEYS = Object.keys(Signed.shape);

/**
 * The signed statement: the payload without `sig`, and the box that it is for. It is nested, so that no argument of a
 * verb can replace a key of it.
 */
export function commandStatement(
  scope: CommandScope,
  verb: string,
  payload: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const named = { ...payload };
  delete named['sig'];
  return { site: scope.site, device: scope.device, verb, payload: named };
}

/**
 * Admits signed commands, each once. Checks in this order: signed, by whom, authentic, clock trusted, in time, not
 * taken before. Nothing that is not authentic is remembered.
 */
export class CommandAuthority {
  private readonly keys: ReadonlyMap<string, TrustedKey>;

  constructor(
    private readonly scope: CommandScope,
    keys: readonly TrustedKey[],
    private readonly ledger: CommandLedger,
    private readonly clock: JudgedClock,
  ) {
    this.keys = new Map(keys.map((key) => [key.keyId, key]));
  }

  /** Null: authentic, in time, and now taken; it will not be admitted again. */
  admit(verb: string, payload: Readonly<Record<string, unknown>>): CommandRefusal | null {
    const parsed = Signed.safeParse(payload);
    if (!parsed.success)
      return refuse(
        'unsigned',
        `needs ${SIGNATURE_KEYS.join(', ')}: send it with \`usher command ${verb} --key FILE\``,
      );
    const { issuedAt, notAfter, nonce, key: keyId, sig } = parsed.data;
    const key = this.keys.get(keyId);
    if (key === undefined)
      return refuse('unknown-key', `key ${keyId} is not in security.commandKeys, which has ${this.keys.size}`);
    if (!verifies(key, commandStatement(this.scope, verb, payload), sig))
      return refuse('bad-signature', `the signature is not that of ${verb} on ${this.scope.site}/${this.scope.device}`);
    const doubt = this.clock.doubt();
    if (doubt !== null) return refuse('clock-doubtful', doubt);
    const now = this.clock.now();
    if (issuedAt > now + COMMAND_AHEAD_MS) return refuse('from-future', `issued ${issuedAt - now} ms in the future`);
    if (notAfter < now) return refuse('expired', `expired for ${now - notAfter} ms`);
    if (notAfter - issuedAt > COMMAND_LIFE_MS)
      return refuse('expired', `valid for ${notAfter - issuedAt} ms, ${COMMAND_LIFE_MS} allowed`);
    const taken = this.ledger.take(nonce, notAfter, now);
    if (taken === 'new') return null;
    return taken === 'replayed'
      ? refuse('replayed', 'this command was accepted before')
      : refuse('counter-unsaved', taken.unsaved);
  }
}

function verifies(key: TrustedKey, statement: Readonly<Record<string, unknown>>, sig: string): boolean {
  try {
    return key.verify(COMMAND_DOMAIN, statement, sig);
  } catch {
    // Text without a canonical form (a lone surrogate, too deep) was never signed.
    return false;
  }
}

function refuse(reason: CommandRefusalReason, detail: string): CommandRefusal {
  return { reason, detail };
}
