import { dirname, resolve } from 'node:path';
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { CommandAuthority } from '../../access/commands/command-authority';
import { CommandLedger } from '../../access/commands/command-ledger';
import { trustedKey } from '../../access/keys/device-key';
import { ledgerIn } from '../../access/door/persisted';
import type { PolicyKeeper } from '../../access/door/policy-keeper';
import type { PolicyOrder } from '../../access/policy/types';
import { strangeUnit } from '../../strange-time';
import type { JudgedClock } from '../../access/swipes/swipe-judge';
import type { LoadedConfig } from '../../config/load/load';
import { messageOf, UsherError } from '../../errors';
import type { CommandRegistry, CommandSender } from '../../mqtt/requests/commands';
import type { JournalBody } from '../../store/journal/journal-body';
import { MEMBER_ID } from '../../store/members/member';
import type { Store } from '../../store/store';

/** @throws UsherError `config-invalid` for a key file that cannot be read or has no Ed25519 public key */
export function commandAuthority(
  { config, file }: LoadedConfig,
  store: Pick<Store, 'meta' | 'setMeta'>,
  clock: JudgedClock,
): CommandAuthority {
  const keys = config.security.commandKeys.map((name) => {
    const path = resolve(dirname(file), name);
    try {
      return trustedKey(readFileSync(path, 'utf8'));
    } catch (error) {
      throw new UsherError('config-invalid', `security.commandKeys: ${path}: ${messageOf(error)}`, {
        remedy: 'Make a key pair with `usher command-key new FILE`, and name FILE.pub here.',
        cause: error,
      });
    }
  });
  const scope = { site: config.device.site, device: config.device.id };
  return new CommandAuthority(scope, keys, new CommandLedger(ledgerIn(store)), clock);
}

export interface SignedCommandParts {
  readonly store: Pick<Store, 'members'>;
  readonly policy: Pick<PolicyKeeper, 'order' | 'lockdowns'>;
  /** Applies a change of the members to the doors at once. */
  readonly refresh: () => void;
  /** Records an order. The store itself records a change of a member. */
  readonly record: (body: JournalBody) => void;
}

const Id = z.string().regex(MEMBER_ID);
const Name = z.string().regex(/^[a-z0-9][a-z0-9_-]{0,62}$/);
/** A time in seconds would be in 1970: an end in the past, or a beginning that admits at once. */
const Time = z
  .number()
  .int()
  .max(8.64e15)
  .superRefine((time, context) => {
    const message = strangeUnit(time);
    if (message !== null) context.addIssue({ code: 'custom', message });
  });
const Doors = z.array(Name).min(1).max(16).nullable().default(null);

const MemberOnly = z.strictObject({ member: Id });
const MemberChange = z
  .strictObject({
    member: Id,
    name: z.string().min(1).max(200).optional(),
    groups: z.array(Name).max(32).optional(),
    validFrom: Time.nullable().optional(),
    validUntil: Time.nullable().optional(),
    duressIds: z.array(Id).max(8).optional(),
  })
  .refine((change) => Object.keys(change).length > 1, 'changes nothing');

/** Every order to the policy, as a command: verb, arguments, and the order. Times are epoch ms. */
const ORDERS: readonly {
  readonly verb: string;
  readonly schema: z.ZodType<object>;
  readonly order: (args: never) => PolicyOrder;
}[] = [
  order(
    'lockdown',
    z.strictObject({ doors: Doors, groups: z.array(Name).max(32).default([]), until: Time.nullable().default(null) }),
    ({ doors, groups, until }) => ({ type: 'lockdown', doors, groups, until }),
  ),
  order('release-lockdown', z.strictObject({ doors: Doors }), ({ doors }) => ({ type: 'release', doors })),
  order('hold-open', z.strictObject({ door: Name, until: Time }), ({ door, until }) => ({
    type: 'hold-open',
    door,
    until,
  })),
  order('end-hold-open', z.strictObject({ door: Name }), ({ door }) => ({ type: 'close', door })),
  order('place-member', z.strictObject({ member: Id, zone: Name }), ({ member, zone }) => ({
    type: 'place',
    member,
    zone,
  })),
  order('clear-lockout', z.strictObject({ kind: z.enum(['reader', 'member', 'door']), id: Id }), ({ kind, id }) => ({
    type: 'clear-lockout',
    kind,
    id,
  })),
  order('reset-policy', z.strictObject({}), () => ({ type: 'reset' })),
];

function order<S extends z.ZodType<object>>(verb: string, schema: S, toOrder: (args: z.infer<S>) => PolicyOrder) {
  return { verb, schema, order: toOrder as (args: never) => PolicyOrder };
}

/** The verbs that change who may enter. All need a signature. An answer contains ids, never names. */
export function registerSignedCommands(registry: CommandRegistry, parts: SignedCommandParts): void {
  for (const { verb, schema, order: toOrder } of ORDERS)
    registry.onCommand(
      verb,
      schema,
      (args, sender) => {
        const given = ofKeptMember(toOrder(args as never), parts.store);
        // Recorded before it is obeyed, so that no order is obeyed without a record.
        parts.record({ ...described(given), by: byKey(sender) });
        try {
          parts.policy.order(given);
        } catch (error) {
          parts.record({ ...described(given), by: byKey(sender), refused: messageOf(error).slice(0, 300) });
          throw error;
        }
        // The present lockdown may be stricter: the answer states the one in force.
        return given.type === 'lockdown' || given.type === 'reset'
          ? { order: given.type, lockdowns: [...parts.policy.lockdowns()] }
          : { order: given.type };
      },
      { signed: true },
    );
  registerMemberCommands(registry, parts);
}

/** Members are stored under one spelling of their card's number; an order may use another. */
function ofKeptMember(order: PolicyOrder, { members }: SignedCommandParts['store']): PolicyOrder {
  if (order.type === 'place') return { ...order, member: members.idOf(order.member) ?? order.member };
  if (order.type === 'clear-lockout' && order.kind === 'member')
    return { ...order, id: members.idOf(order.id) ?? order.id };
  return order;
}

function registerMemberCommands(registry: CommandRegistry, { store, policy, refresh }: SignedCommandParts): void {
  const signed = { signed: true };
  for (const [verb, status] of [
    ['member-suspend', 'suspended'],
    ['member-activate', 'active'],
  ] as const)
    registry.onCommand(
      verb,
      MemberOnly,
      ({ member }) => {
        store.members.update(member, { status });
        refresh();
        return { member, status };
      },
      signed,
    );
  registry.onCommand(
    'member-update',
    MemberChange,
    ({ member, ...change }) => {
      store.members.update(member, change);
      refresh();
      return { member, changed: Object.keys(change) };
    },
    signed,
  );
  registry.onCommand(
    'member-revoke',
    MemberOnly,
    ({ member: spelt }, sender) => {
      const member = store.members.idOf(spelt) ?? spelt;
      const receipt = store.members.remove(member, { by: byKey(sender), reason: 'revoked' });
      policy.order({ type: 'forget', member });
      refresh();
      return { member, receipt: { ...receipt, deleted: { ...receipt.deleted, spaces: [...receipt.deleted.spaces] } } };
    },
    signed,
  );
}

const byKey = ({ key }: CommandSender): string => `command key ${key ?? 'none'}`;

function described(given: PolicyOrder): JournalBody {
  const { type: verb, ...rest } = JSON.parse(JSON.stringify(given)) as JournalBody;
  return { order: verb, ...rest };
}
