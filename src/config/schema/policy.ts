import { z } from 'zod';

/**
 * Who may enter, when and how. Everything here only ever takes away: without it, every active member may enter at any time,
 * as the door's own `mode` asks.
 */
const Id = z.string().regex(/^[a-z0-9][a-z0-9_-]{0,62}$/, 'lower-case letters, digits, - and _, at most 63');
const MemberId = z.string().regex(/^[A-Za-z0-9._-][A-Za-z0-9._:-]{0,63}$/, 'the id of a member');
const From = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'a time like "06:30"');
const To = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$|^24:00$/, 'a time like "22:00", at most "24:00"');
const Day = z.enum(['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun']);
const notEmpty = ({ from, to }: { from: string; to: string }): boolean => from !== to;
const EMPTY = 'begins when it ends; for the whole day write from "00:00" to "24:00"';

const WeeklySpan = z
  .strictObject({
    days: z.array(Day).min(1).max(7),
    from: From,
    to: To.describe('Earlier than `from`: of the next day'),
  })
  .refine(notEmpty, EMPTY);

const SpecialSpan = z.strictObject({ from: From, to: To }).refine(notEmpty, EMPTY);

const Schedule = z.strictObject({
  weekly: z.array(WeeklySpan).max(64),
  holidays: z.enum(['observed', 'ignored']).default('observed').describe('Whether the holidays change this schedule'),
});

const Holiday = z.strictObject({
  date: z
    .string()
    .regex(/^(\d{4}-)?(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$/, 'a date like "2026-12-25", or "12-25" for every year')
    .describe('2026-12-25, or 12-25 for every year'),
  spans: z.array(SpecialSpan).max(16).default([]).describe('Hours of that day; none: closed'),
  schedules: z.array(Id).max(64).optional().describe('Only these schedules; default: all that observe holidays'),
});

const Right = z
  .strictObject({
    everyone: z.boolean().default(false),
    groups: z.array(Id).max(64).default([]),
    members: z.array(MemberId).max(4096).default([]),
    schedules: z.array(Id).max(64).default([]).describe('While one of these is in force; none: at any time'),
  })
  .refine((right) => right.everyone || right.groups.length > 0 || right.members.length > 0, 'names nobody');

const Limit = z.strictObject({
  failures: z.number().int().min(1).max(1000),
  withinSeconds: z.number().min(1).max(86_400),
  forSeconds: z.number().min(1).max(604_800).describe('How long it then stays locked'),
});

const DoorPolicy = z.strictObject({
  rights: z.array(Right).max(256).optional().describe('Who may pass; absent: every active member; []: nobody'),
  modes: z
    .array(z.strictObject({ schedule: Id, mode: z.enum(['card-and-face', 'face-only', 'card-only', 'either']) }))
    .max(16)
    .default([])
    .describe('What is asked for while a schedule is in force; the first that is decides, else the door’s own mode'),
  passage: z
    .strictObject({ from: Id, to: Id })
    .optional()
    .describe('The zones on both sides; `outside` is the one that everybody starts in'),
  antiPassback: z
    .strictObject({
      zones: z.boolean().default(false).describe('Only who is in the zone before the door may pass it'),
      minutes: z
        .number()
        .gt(0)
        .max(10_080)
        .nullable()
        .default(null)
        .describe('No second entry (into the same zone) within so long'),
    })
    .prefault({}),
  twoPerson: z
    .strictObject({
      schedule: Id.optional().describe('Only while it is in force; absent: always'),
      windowSeconds: z.number().min(1).max(600).default(30).describe('Time for the second member'),
    })
    .optional()
    .describe('Two different members must be recognised'),
  contact: z
    .strictObject({
      heldOpenSeconds: z.number().min(1).max(86_400).default(30).describe('Open for longer: alarm'),
      graceSeconds: z
        .number()
        .min(0)
        .max(60)
        .default(5)
        .describe('Opened so long after the unlock ended: no forced door'),
    })
    .prefault({}),
});
export type DoorPolicyConfig = z.infer<typeof DoorPolicy>;

export const PolicyConfig = z.strictObject({
  timeZone: z
    .string()
    .max(64)
    .refine(isTimeZone, 'a time zone of the IANA database, like Europe/Berlin')
    .default('UTC')
    .describe('IANA time zone that schedules are read in'),
  schedules: z.record(Id, Schedule).default({}).describe('Weekly hours by name'),
  holidays: z.array(Holiday).max(1000).default([]),
  zones: z
    .record(
      Id,
      z.strictObject({
        maxOccupancy: z.number().int().min(1).max(100_000).nullable().default(null).describe('null: no limit'),
      }),
    )
    .default({})
    .describe('Rooms by name; `outside` need not be named'),
  presenceResetAt: From.nullable().default(null).describe('Local time at which everybody counts as outside again'),
  doors: z.record(Id, DoorPolicy).default({}).describe('By the id of the door'),
  lockout: z
    .strictObject({
      reader: Limit.nullable().default(null),
      member: Limit.nullable().default(null),
      door: Limit.nullable().default(null),
    })
    .prefault({})
    .describe('Locks a reader, a member or a door for a while after so many failures; null: never'),
  rateLimit: z
    .strictObject({ swipes: z.number().int().min(1).max(1000), perSeconds: z.number().min(1).max(3600) })
    .nullable()
    .default(null)
    .describe('Swipes that one reader may bring; null: any number'),
});
export type PolicyConfig = z.infer<typeof PolicyConfig>;

function isTimeZone(zone: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: zone }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}
