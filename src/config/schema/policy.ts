import { z } from 'zod';
import { Id } from './primitives';

/**
 * Who may enter, when and how. Every key here only restricts: without it, every active member may enter at any time,
 * as the door's own `mode` asks.
 */
const MemberId = z.string().regex(/^[A-Za-z0-9._-][A-Za-z0-9._:-]{0,63}$/, 'the id of a member');
const From = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'a time like "06:30"');
const To = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$|^24:00$/, 'a time like "22:00", at most "24:00"');
const Day = z.enum(['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun']);
const notEmpty = ({ from, to }: { from: string; to: string }): boolean => from !== to;
const EMPTY = 'begins when it ends; for the whole day write from "00:00" to "24:00"';

const WeeklySpan = z
  .strictObject({
    days: z.array(Day).min(1).max(7).describe('Days of the week on which the span begins'),
    from: From.describe('Local time at which the span begins').meta({ examples: ['06:00'] }),
    to: To.describe('Local time at which the span ends; if it is earlier than `from`, on the next day').meta({
      examples: ['23:00'],
    }),
  })
  .refine(notEmpty, EMPTY);

const SpecialSpan = z
  .strictObject({
    from: From.describe('Local time at which the span begins'),
    to: To.describe('Local time at which the span ends'),
  })
  .refine(notEmpty, EMPTY);

const Schedule = z.strictObject({
  weekly: z.array(WeeklySpan).max(64).describe('The hours of a week, as spans of one or more days'),
  holidays: z
    .enum(['observed', 'ignored'])
    .default('observed')
    .describe('observed: on a holiday its hours replace those of the week. ignored: holidays change nothing'),
});

const Holiday = z.strictObject({
  date: z
    .string()
    .regex(/^(\d{4}-)?(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$/, 'a date like "2026-12-25", or "12-25" for every year')
    .describe('The date; without a year it is every year')
    .meta({ examples: ['2026-12-25', '12-25'] }),
  spans: z.array(SpecialSpan).max(16).default([]).describe('Hours of that day; without any the whole day is closed'),
  schedules: z
    .array(Id)
    .max(64)
    .optional()
    .describe('The schedules that this holiday changes. Without it: all that observe holidays'),
});

const Right = z
  .strictObject({
    everyone: z.boolean().default(false).describe('The right is for every active member'),
    groups: z.array(Id).max(64).default([]).describe('Groups of members that have the right'),
    members: z.array(MemberId).max(4096).default([]).describe('Ids of single members that have the right'),
    schedules: z
      .array(Id)
      .max(64)
      .default([])
      .describe('Names of schedules: the right holds while one of them is in force. None: at any time'),
  })
  .refine(
    (right) => right.everyone || right.groups.length > 0 || right.members.length > 0,
    'names no member: set everyone, groups or members',
  );

const Limit = z.strictObject({
  failures: z.number().int().min(1).max(1000).describe('How many failures lock it').meta({ unit: 'failures' }),
  withinSeconds: z.number().min(1).max(86_400).describe('The time in which failures are counted together'),
  forSeconds: z.number().min(1).max(604_800).describe('How long it then stays locked'),
});

const DoorPolicy = z.strictObject({
  rights: z
    .array(Right)
    .max(256)
    .optional()
    .describe('Who may pass. Without it: every active member. An empty list: no member'),
  modes: z
    .array(
      z.strictObject({
        schedule: Id.describe('Name of a schedule; the mode applies while it is in force'),
        mode: z
          .enum(['card-and-face', 'face-only', 'card-only', 'either'])
          .describe('What opens the door then. either: a card with the face, or the face alone'),
      }),
    )
    .max(16)
    .default([])
    .describe(
      'What the door asks for at which time. The first entry whose schedule is in force decides; if there is none, the mode of the door',
    ),
  passage: z
    .strictObject({
      from: Id.describe('The zone before the door'),
      to: Id.describe('The zone behind the door'),
    })
    .optional()
    .describe('The zones on both sides of the door; `outside` is the zone in which everyone starts'),
  antiPassback: z
    .strictObject({
      zones: z.boolean().default(false).describe('Let a member pass only if he is in the zone before the door'),
      minutes: z
        .number()
        .gt(0)
        .max(10_080)
        .nullable()
        .default(null)
        .describe('Time in which a member may not enter the same zone a second time; null: no limit'),
    })
    .prefault({})
    .describe('Stops a card from being handed back to let a second person in'),
  twoPerson: z
    .strictObject({
      schedule: Id.optional().describe('Name of a schedule: the rule applies while it is in force. Without it: always'),
      windowSeconds: z.number().min(1).max(600).default(30).describe('Time for the second member after the first'),
    })
    .optional()
    .describe('Two different members must be recognised, one after the other'),
  contact: z
    .strictObject({
      heldOpenSeconds: z
        .number()
        .min(1)
        .max(86_400)
        .default(30)
        .describe('A door that is open for longer raises an alarm'),
      graceSeconds: z
        .number()
        .min(0)
        .max(60)
        .default(5)
        .describe('A door that is opened within this time after the unlock ended was not forced'),
    })
    .prefault({})
    .describe('Alarms by the door contact; they need an entry in contacts'),
});
export type DoorPolicyConfig = z.infer<typeof DoorPolicy>;

export const PolicyConfig = z.strictObject({
  timeZone: z
    .string()
    .max(64)
    .refine(isTimeZone, 'a time zone of the IANA database, like Europe/Berlin')
    .default('UTC')
    .describe('IANA time zone of all times in the policy')
    .meta({ examples: ['Europe/Berlin'] }),
  schedules: z.record(Id, Schedule).default({}).describe('Weekly hours, each under a name of your choice'),
  holidays: z.array(Holiday).max(1000).default([]).describe('Dates with hours other than those of the week'),
  zones: z
    .record(
      Id,
      z.strictObject({
        maxOccupancy: z
          .number()
          .int()
          .min(1)
          .max(100_000)
          .nullable()
          .default(null)
          .describe('How many members may be in the zone at the same time; null: no limit')
          .meta({ unit: 'members' }),
      }),
    )
    .default({})
    .describe('Zones (rooms, floors), each under a name of your choice; `outside` is always there'),
  presenceResetAt: From.nullable()
    .default(null)
    .describe('Local time at which every member counts as outside again; null: never'),
  doors: z.record(Id, DoorPolicy).default({}).describe('The rules of each door, under the id of the door'),
  lockout: z
    .strictObject({
      reader: Limit.nullable().default(null).describe('Locks a card reader; null: never'),
      member: Limit.nullable().default(null).describe('Locks the member whose card was swiped; null: never'),
      door: Limit.nullable().default(null).describe('Locks a door; null: never'),
    })
    .prefault({})
    .describe('Locks after failures: a wrong face, an unknown face, a fake face, an unknown card'),
  rateLimit: z
    .strictObject({
      swipes: z
        .number()
        .int()
        .min(1)
        .max(1000)
        .describe('Swipes that are allowed in that time')
        .meta({ unit: 'swipes' }),
      perSeconds: z.number().min(1).max(3600).describe('The time in which swipes are counted together'),
    })
    .nullable()
    .default(null)
    .describe('Limit for the swipes of one reader. Refused swipes count too; null: no limit'),
});
export type PolicyConfig = z.infer<typeof PolicyConfig>;

function isTimeZone(zone: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: zone }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}
