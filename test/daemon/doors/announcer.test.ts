import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openDeviceKey, trustedKey } from '../../../src/access/keys/device-key';
import type { Decision } from '../../../src/access/door-types';
import { DoorConfig } from '../../../src/config/schema/doors';
import { Announcer } from '../../../src/daemon/doors/announcer';
import { AuditTrail, HEAD_DOMAIN } from '../../../src/daemon/store/audit-trail';
import { UsherError } from '../../../src/errors';
import type { MqttClient } from '../../../src/mqtt/client/client';
import { AuditHeadPayload, DecisionPayload } from '../../../src/mqtt/topics/payloads';
import { Journal } from '../../../src/store/journal/journal';
import { bodyOf } from '../../../src/store/journal/journal-reader';
import { createLog } from '../../../src/system/log';

const door = DoorConfig.parse({ id: 'front', camera: 'cam' });
const grant: Decision = {
  outcome: 'granted',
  reason: 'match',
  member: '4711',
  mode: 'verify',
  trigger: 'swipe',
  reader: 'r',
  at: 900,
  since: 500,
  distance: 0.5,
  threshold: 1,
  votes: 3,
};
const denial: Decision = { ...grant, outcome: 'denied', reason: 'mismatch' };
const kinds = (journal: Journal): string[] => [...journal.records()].map(({ kind }) => kind);

describe('the announcer and its audit trail', () => {
  let dataDir: string;
  let journal: Journal;
  let said: { key: string; records: number; payload: object }[];
  let lines: string;
  let full: boolean;
  let trail: AuditTrail;
  let announcer: Announcer;

  beforeEach(() => {
    dataDir = mkdtempSync(path.join(tmpdir(), 'usher-announcer-'));
    journal = Journal.open(dataDir);
    said = [];
    lines = '';
    full = false;
    const note = (key: string, payload: object): void =>
      void said.push({ key, records: kinds(journal).length, payload });
    const mqtt: Pick<MqttClient, 'publish' | 'topicOfEvent' | 'wake'> = {
      publish: (key, _, payload) => {
        note(key, payload);
        return 'sent';
      },
      topicOfEvent: () => 'topic',
      wake: () => note('wake', {}),
    };
    // A disk that fills up, as the journal tells of it; the real one is in outbox.e2e.test.ts.
    const fragile = new Proxy(journal, {
      get: (target, name) => {
        if (full && (name === 'append' || name === 'appendEvent' || name === 'appendIfNew'))
          return () => {
            throw new UsherError('store-unavailable', 'the disk is full');
          };
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
    const log = createLog({ level: 'info', format: 'text', write: (line) => (lines += line) });
    const key = openDeviceKey(dataDir);
    trail = new AuditTrail(fragile, mqtt, key, log, () => 5000);
    announcer = new Announcer({
      mqtt,
      trail,
      bootId: 'c9b8f0a0-0000-4000-8000-000000000000',
      key,
      unlockLifeMs: 2000,
      monotonicMs: () => 1000,
      log,
    });
  });
  afterEach(() => {
    journal.close();
    rmSync(dataDir, { recursive: true, force: true });
  });

  it('records first, then opens, then lets the decision go', () => {
    announcer.announce(door, grant);
    expect(said.map(({ key, records }) => `${key} after ${records}`)).toEqual(['unlock after 2', 'wake after 2']);
    const body = bodyOf([...journal.records()].at(-1)!);
    expect(DecisionPayload.safeParse(body).error).toBeUndefined();
    expect(body).toMatchObject({ outcome: 'granted', seq: 1, journal: journal.id });
    expect(said[0]?.payload).toMatchObject({ decision: body['decision'], seq: 1 });
    expect(journal.outbox.peek()).toMatchObject({ topic: 'topic' });
  });

  it('opens nothing that it cannot record, tries the disk no more by itself, and then owns up to the gap', () => {
    full = true;
    expect(() => announcer.announce(door, grant)).toThrow('the disk is full');
    full = false;
    expect(() => announcer.announce(door, grant)).toThrow('the disk is full');
    expect(() => announcer.announce(door, denial)).toThrow('the disk is full');
    expect(said).toEqual([]);
    expect(lines).toContain('withheld=true');
    full = true;
    expect(() => announcer.recover()).toThrow('the disk is full');
    full = false;
    announcer.recover();
    announcer.recover();
    expect(kinds(journal)).toEqual(['genesis', 'unrecorded']);
    expect(bodyOf(journal.latest('unrecorded')!)).toMatchObject({ granted: 2, denied: 1, since: 5000, until: 5000 });
    announcer.announce(door, grant);
    expect(said.map(({ key }) => key)).toEqual(['unlock', 'wake']);
  });

  it('keeps alarms and facts of the box until they can be recorded', () => {
    full = true;
    trail.started({ bootId: 'b', version: '1', config: { a: 1 } });
    announcer.alarm(door, { kind: 'forced-door', door: 'front', at: 900, member: null, reader: null });
    expect(kinds(journal)).toEqual(['genesis']);
    full = false;
    announcer.recover();
    expect(kinds(journal)).toEqual(['genesis', 'start', 'configuration', 'alarm']);
    expect(JSON.parse(journal.outbox.peek()?.json ?? '{}')).toMatchObject({ kind: 'forced-door', seq: 1 });
  });

  it('records a configuration when it changes, and the models of each camera', () => {
    const models = (sha256: string) => ({
      kind: 'ready' as const,
      camera: 'cam',
      at: 1,
      space: 's',
      models: [{ task: 't', name: 'n', version: '1', sha256, providersAsked: ['cpu'], provider: 'cpu' }],
    });
    for (const setting of [1, 1, 2]) {
      trail.started({ bootId: 'b', version: '1', config: { setting } });
      trail.models(models(setting === 1 ? 'a' : 'b'));
      trail.models(models(setting === 1 ? 'a' : 'b'));
    }
    expect(kinds(journal)).toEqual([
      'genesis',
      'start',
      'configuration',
      'model',
      'start',
      'start',
      'configuration',
      'model',
    ]);
  });

  it('publishes the head, signed, when it has moved, whoever moved it', () => {
    trail.housekeep();
    trail.housekeep();
    const other = Journal.open(dataDir);
    other.append('enrolment', { member: '1' });
    other.close();
    trail.housekeep();
    const heads = said.filter(({ key }) => key === 'auditHead').map(({ payload }) => AuditHeadPayload.parse(payload));
    expect(heads.map(({ seq }) => seq)).toEqual([1, 2]);
    const { sig = '', ...statement } = heads[1]!;
    expect(statement).toMatchObject(journal.head());
    expect(trustedKey(openDeviceKey(dataDir).publicKeyText).verify(HEAD_DOMAIN, statement, sig)).toBe(true);
  });
});
