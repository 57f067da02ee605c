import { z } from 'zod';
import { LivenessConfig } from './liveness';
import { Id } from './primitives';
import { DoorScenes } from './scene';

export const DoorConfig = z.strictObject({
  id: Id.describe('Name of the door, part of its topics'),
  camera: Id.describe('The camera that watches this door'),
  readers: z.array(Id).max(8).default([]).describe('Ids of the card readers at this door'),
  mode: z
    .enum(['verify', 'identify', 'either'])
    .default('verify')
    .describe(
      'verify: a swipe names the member, and the face must match that member. identify: the face alone. either: both ways are open',
    ),
  targetFmr: z
    .number()
    .gt(0)
    .max(0.01)
    .default(1e-4)
    .describe(
      'False-match rate to accept for one comparison (verify), or for one search over all members (identify). Smaller is stricter',
    )
    .meta({ unit: 'rate', examples: [0.00001] }),
  votes: z
    .number()
    .int()
    .min(1)
    .max(30)
    .default(3)
    .describe('How many frames of one person must agree before the door opens')
    .meta({ unit: 'frames' }),
  voteWindowMs: z
    .number()
    .int()
    .min(200)
    .max(30_000)
    .default(2000)
    .describe('The votes must come within this time. If left out, a slow camera gets more time'),
  margin: z
    .number()
    .min(0)
    .max(1)
    .default(0.06)
    .describe('identify: how much nearer the best member must be than the second-best')
    .meta({ unit: 'L2 distance' }),
  deadlineMs: z
    .number()
    .int()
    .min(500)
    .max(60_000)
    .default(5000)
    .describe('Time for the face to match after a swipe. If left out, a slow camera gets more time'),
  approachMs: z
    .number()
    .int()
    .min(500)
    .max(60_000)
    .default(5000)
    .describe(
      'identify: a face that is in view for this time without a match is refused. If left out, a slow camera gets more time',
    ),
  cooldownMs: z
    .number()
    .int()
    .min(0)
    .max(600_000)
    .default(3000)
    .describe('Pause after a grant before the next decision'),
  unlockMs: z.number().int().min(200).max(30_000).default(3000).describe('How long the lock is asked to stay open'),
  absentMs: z
    .number()
    .int()
    .min(100)
    .max(10_000)
    .default(800)
    .describe('After this time without a face the person has left. If left out, a slow camera gets more time'),
  liveness: LivenessConfig,
  scenes: DoorScenes,
  adaptTemplates: z
    .boolean()
    .default(false)
    .describe(
      'Keep the face of a grant as a further template, if it is of very good quality and close to an enrolled picture and to no other member. At most one a day and three in all for each member',
    ),
});
export type DoorConfig = z.infer<typeof DoorConfig>;
