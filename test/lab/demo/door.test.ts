import fc from 'fast-check';
import { join } from 'node:path';
import { step } from '../../../src/access/door/door';
import { CLOSED_DOOR, type Decision, type DoorSettings, type FaceEvidence } from '../../../src/access/door-types';
import { doorSettings } from '../../../src/access/door/door-keeper';
import { loadConfig } from '../../../src/config/load/load';
import { SCRIPT } from '../../../src/lab/demo/choreography';
import { packageRoot } from '../../../src/system/paths';
import { ENCODER } from '../../support/members';

/** As the member or the stranger is seen at that second of the recording; null: nobody is. */
function evidenceAt(seconds: number): FaceEvidence | null {
  const inside = ({ fromS, toS }: { fromS: number; toS: number }) => seconds >= fromS && seconds <= toS;
  const nearest = (distance: number): FaceEvidence => ({
    ...{ kind: 'encoded', claimed: null },
    nearest: [{ member: 'demo-member', distance, frameDistance: distance }],
  });
  return inside(SCRIPT.member) ? nearest(0.4) : inside(SCRIPT.stranger) ? nearest(1.39) : null;
}

test('wherever the recording begins and however often a track is lost: the member is let in and never denied', async () => {
  const { config } = await loadConfig(join(packageRoot(), 'device-config', 'demo.yaml'));
  const settings: DoorSettings = { ...doorSettings(config.doors[0]!, ENCODER.thresholds, 1), mode: 'identify' };
  const { durationS, member } = SCRIPT;
  fc.assert(
    fc.property(
      fc.double({ min: 0, max: durationS, noNaN: true }),
      fc.integer({ min: 4, max: 15 }),
      fc.integer({ min: 300, max: 5000 }),
      (offsetS, fps, trackMs) => {
        let state = step(CLOSED_DOOR, { type: 'camera', at: 0, live: true }, settings).state;
        const ofMember: Decision[] = [];
        for (let at = 0; at < 3 * durationS * 1000; at += 1000 / fps) {
          const seconds = (offsetS + at / 1000) % durationS;
          const evidence = evidenceAt(seconds);
          const track = Math.floor(at / trackMs);
          const event =
            evidence === null ? ({ type: 'empty', at } as const) : ({ type: 'face', at, track, evidence } as const);
          const next = step(state, event, settings);
          state = next.state;
          // A refusal of the stranger comes before the member is there.
          if (seconds >= member.fromS) ofMember.push(...next.decisions);
        }
        expect(ofMember.filter(({ outcome }) => outcome === 'denied')).toEqual([]);
        if (trackMs > 1500) expect(ofMember.length).toBeGreaterThanOrEqual(2);
      },
    ),
    { numRuns: 200 },
  );
});
