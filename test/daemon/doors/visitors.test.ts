import { LIVENESS_ABSENT } from '../../../src/events';
import { distanceFor } from '../../../src/access/members/thresholds';
import { VisitorsConfig } from '../../../src/config/schema/visitors';
import { registerVisitorCommands, visitReach, Visitors } from '../../../src/daemon/doors/visitors';
import type { Observation, Subject } from '../../../src/events';
import type { CommandRegistry } from '../../../src/mqtt/requests/commands';
import { VisitorPayload } from '../../../src/mqtt/topics/payloads';
import { failureOf, filesBelow, tracesOf, vectorOf } from '../../store/fixtures';
import { DIMENSIONS, ENCODER, faceAt, Members, SPACE } from '../../support/members';

const NOON = 20_000 * 86_400_000 + 43_200_000;
const TABLE = [
  { fmr: 1e-2, distance: 0.5 },
  { fmr: 1e-6, distance: 0.3 },
];
const QUALITY = { interocularPx: 60, sharpness: 1, brightness: 100, contrast: 50, yaw: 0, pitch: 0, rollDeg: 0 };

let members: Members;
let now: { mono: number; wall: number };
let published: VisitorPayload[];
beforeEach(() => {
  members = new Members();
  now = { mono: 0, wall: NOON };
  published = [];
});
afterEach(() => members.remove());

const visitorsOf = (config: Partial<VisitorsConfig> = {}): Visitors =>
  new Visitors({
    config: VisitorsConfig.parse({ enabled: true, ...config }),
    roster: members.roster,
    now: () => now,
    publish: (visitor) => published.push(VisitorPayload.parse(visitor)),
  });

const subject = (
  track: number,
  vector: Float32Array | null,
  fusedFrames: number,
  liveness: Subject['liveness'] = LIVENESS_ABSENT,
): Subject => ({
  box: { x: 0, y: 0, width: 90, height: 90 },
  detectionScore: 0.9,
  track,
  quality: { ...QUALITY, score: 0.5 + track / 100 },
  refusal: vector === null ? 'blurred' : null,
  embedding: vector,
  fused: vector,
  fusedFrames,
  liveness,
});

function see(visitors: Visitors, one: Subject | null, camera = 'hall'): void {
  now = { mono: now.mono + 100, wall: now.wall + 100 };
  const observation: Observation = {
    ...{ kind: 'observation', camera, at: now.wall, mono: now.mono, frame: 1, faces: one === null ? 0 : 1 },
    ...{ subject: one, space: SPACE },
  };
  visitors.observe(observation);
}

let track = 0;
/** Somebody comes, is seen in so many frames, and goes. */
async function walk(visitors: Visitors, vector: Float32Array | null, frames = 4, camera = 'hall'): Promise<void> {
  track++;
  for (let frame = 1; frame <= frames; frame++) see(visitors, subject(track, vector, Math.min(5, frame)), camera);
  now = { mono: now.mono + 3000, wall: now.wall + 3000 };
  see(visitors, null, camera);
  visitors.tick();
  // What clustering takes: a few turns of the event loop.
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
}

describe('unknown visitors', () => {
  it('are said once a walk, under an identifier that tells the same person from another', async () => {
    const visitors = visitorsOf();
    await walk(visitors, faceAt(1));
    await walk(visitors, faceAt(5));
    await walk(visitors, faceAt(1, 0.02), 4, 'yard');
    expect(published.map(({ visits, camera }) => [visits, camera])).toEqual([
      [1, 'hall'],
      [1, 'hall'],
      [2, 'yard'],
    ]);
    expect(published[2]?.visitor).toBe(published[0]?.visitor);
    expect(published[1]?.visitor).not.toBe(published[0]?.visitor);
    expect(visitors.list()).toMatchObject([
      { visitor: published[0]?.visitor, visits: 2, cameras: ['hall', 'yard'] },
      { visits: 1, cameras: ['hall'] },
    ]);
    expect(JSON.stringify([published, visitors.list()])).not.toMatch(/vector|\[-?0\.\d/);
  });

  it('are never members, suspended ones and those recognised in one frame alone too, and no pictures held up', async () => {
    members.add('ann', faceAt(1));
    members.add('bob', faceAt(3));
    members.store.members.update('bob', { status: 'suspended' });
    members.roster.load();
    const visitors = visitorsOf();
    await walk(visitors, faceAt(1, 0.05));
    await walk(visitors, faceAt(3));
    track++;
    see(visitors, subject(track, faceAt(1), 1));
    for (let frame = 2; frame <= 5; frame++) see(visitors, subject(track, faceAt(6), frame));
    await walk(visitors, null);
    track++;
    see(visitors, subject(track, faceAt(6), 4, { ...LIVENESS_ABSENT, state: 'fake' }));
    see(visitors, subject(track, faceAt(6), 5));
    await walk(visitors, null);
    expect(published).toEqual([]);
    await walk(visitors, faceAt(6));
    expect(published).toHaveLength(1);
  });

  it('are forgotten with the encoder that made their vectors: those of another are never compared, or kept as its own', async () => {
    const visitors = visitorsOf();
    await walk(visitors, faceAt(1));
    expect(visitors.templatesOf(published[0]!.visitor)).toMatchObject([{ space: SPACE }]);
    members.roster.admit({ ...ENCODER, space: 'test-2' });
    members.roster.use('test-2');
    expect(visitors.list()).toEqual([]);
    expect(failureOf(() => visitors.templatesOf(published[0]!.visitor)).code).toBe('usage');
  });

  it('are nobody who passed by in too few frames, or could not be encoded or compared', async () => {
    const visitors = visitorsOf({ minFrames: 3 });
    await walk(visitors, faceAt(1), 2);
    await walk(visitors, null);
    await walk(visitors, new Float32Array(faceAt(1).length).fill(NaN));
    expect(published).toEqual([]);
    await walk(visitors, faceAt(1), 3);
    expect(published).toHaveLength(1);
  });

  it('are forgotten when they become members by another way, and with their time', async () => {
    const visitors = visitorsOf({ ttlHours: 1 });
    await walk(visitors, faceAt(1));
    await walk(visitors, faceAt(5));
    members.add('eve', faceAt(5));
    members.roster.load();
    expect(visitors.list()).toHaveLength(1);
    now = { mono: now.mono + 3_600_000, wall: now.wall + 3_600_000 };
    visitors.tick();
    expect(visitors.list()).toEqual([]);
  });

  it('leave nothing in any file', async () => {
    const visitors = visitorsOf();
    const face = vectorOf(3, DIMENSIONS);
    await walk(visitors, face);
    expect(published).toHaveLength(1);
    const files = filesBelow(members.dir);
    expect(tracesOf(face, files)).toEqual([]);
    expect([...files.values()].some((bytes) => bytes.includes(published[0]?.visitor ?? ''))).toBe(false);
  });

  it('are put together by a distance that a full book of strangers hardly makes by chance', () => {
    expect(visitReach(TABLE, 200)).toBeLessThan(visitReach(TABLE, 10));
    expect(visitReach(TABLE, 200)).toBeCloseTo(distanceFor(TABLE, 0.005 / 19_900), 9);
    expect(visitReach(TABLE, 2)).toBeCloseTo(distanceFor(TABLE, 1e-3), 9);
  });
});

describe('commands about visitors', () => {
  type Run = (args: object, sender: { key: string }) => unknown;
  function commandsOf(visitors: Visitors): (verb: string, args: object) => unknown {
    const verbs = new Map<string, { schema: { parse(value: unknown): object }; run: Run }>();
    const registry = {
      onCommand: (
        verb: string,
        schema: { parse(value: unknown): object },
        run: Run,
        options?: { signed?: boolean },
      ) => {
        expect(options?.signed).toBe(true);
        verbs.set(verb, { schema, run });
      },
    } as unknown as CommandRegistry;
    registerVisitorCommands(registry, {
      visitors,
      store: members.store,
      consent: { required: true, textVersion: '2026-1' },
      refresh: () => members.roster.load(),
    });
    return (verb, args) => {
      const known = verbs.get(verb)!;
      return known.run(known.schema.parse(args), { key: 'k' });
    };
  }
  const agreed = { consentText: '2026-1', consentBy: 'desk' };

  it('make a member of one who agreed, with the best of the visits, and forget the visitor', async () => {
    const visitors = visitorsOf();
    const command = commandsOf(visitors);
    for (let visit = 0; visit < 7; visit++) await walk(visitors, faceAt(1, visit / 200));
    await walk(visitors, faceAt(5));
    const visitor = published[6]?.visitor ?? '';
    expect(command('visitor-enrol', { visitor, member: 'eve', name: 'Eve', ...agreed })).toEqual({
      member: 'eve',
      templates: 5,
    });
    expect(members.store.members.get('eve').consent).toMatchObject({ textVersion: '2026-1', by: 'desk' });
    expect(
      members.store.templates.list('eve').every(({ source, space }) => source === 'camera' && space === SPACE),
    ).toBe(true);
    expect(members.roster.gallery.has('eve')).toBe(true);
    expect(command('visitors', {})).toMatchObject({ visitors: [{ visits: 1 }] });
    await walk(visitors, faceAt(1));
    expect(published).toHaveLength(8);
    expect(command('visitor-forget', { visitor: null })).toEqual({ forgotten: 1 });
  });

  it('make no member of one who agreed to another text, is not remembered, or would be somebody else', async () => {
    members.add('ann', faceAt(6));
    members.roster.load();
    const visitors = visitorsOf();
    const command = commandsOf(visitors);
    await walk(visitors, faceAt(1));
    const visitor = published[0]?.visitor ?? '';
    const enrol = (change: object) => (): unknown =>
      command('visitor-enrol', { visitor, member: 'eve', name: 'Eve', ...agreed, ...change });
    expect(failureOf(enrol({ consentText: '2020-1' })).message).toContain('the text in use is 2026-1');
    expect(failureOf(enrol({ visitor: 'ffffffffffff' })).message).toContain('no visitor ffffffffffff');
    expect(failureOf(enrol({ member: 'ann' })).code).toBe('member-exists');
    expect(enrol({ visitor: 'nobody' })).toThrow();
    expect(members.store.members.find('eve')).toBeNull();
    expect(visitors.list()).toHaveLength(1);
  });
});
