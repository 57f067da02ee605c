import { randomBytes, randomUUID } from 'node:crypto';
import { discoveryOf } from '../../src/mqtt/topics/discovery';
import { type DecisionPayload, type SwipePayload, type UnlockPayload } from '../../src/mqtt/topics/payloads';
import { type PayloadOf, type TopicKey } from '../../src/mqtt/topics/topics';
import { type UpdateDesiredPayload } from '../../src/mqtt/topics/update-payloads';

const JOURNAL = '0b0f2a44-5a0e-4a57-8b70-6d6c2a6f0f5e';
const BOOT = '6c1f8f6e-2f4b-4f5f-9a53-0d4f2b6f9c11';

export function unlock(seq: number, at = Date.now()): UnlockPayload {
  return {
    v: 1,
    door: 'main',
    decision: randomUUID(),
    issuedAt: at,
    notAfter: at + 2000,
    bootId: BOOT,
    seq,
    nonce: randomBytes(16).toString('hex'),
    durationMs: 3000,
    key: '00112233aabbccdd',
    sig: '5a'.repeat(64),
  };
}

export function decision(seq: number, outcome: 'granted' | 'denied' = 'granted'): DecisionPayload {
  return {
    v: 1,
    door: 'main',
    decision: randomUUID(),
    outcome,
    reason: outcome === 'granted' ? 'match' : 'mismatch',
    member: '4711',
    mode: 'verify',
    distance: 0.71,
    threshold: 1.02,
    votes: 3,
    at: Date.now(),
    bootId: BOOT,
    journal: JOURNAL,
    seq,
  };
}

export function swipe(id: string, at = Date.now()): SwipePayload {
  return { v: 1, id, at };
}

/** Well-formed; signed by nobody. */
export function desired(seq = 1, at = Date.now()): UpdateDesiredPayload {
  return {
    v: 1,
    scope: { kind: 'group', group: 'all' },
    seq,
    issuedAt: at,
    notAfter: at + 86_400_000,
    offers: [
      {
        channel: 'wake/computer',
        release: 'wake-computer-2-1.1.0',
        version: '1.1.0',
        document: { bytes: 900, sha256: 'ab'.repeat(32) },
        rollout: { stages: [500, 10_000], stage: 0, state: 'rolling', why: null },
      },
    ],
    signatures: [{ keyid: 'cd'.repeat(32), sig: '5a'.repeat(64) }],
  };
}

/** One message of every topic; the type asks for those that are added. */
export const SAMPLES: { readonly [K in TopicKey]: PayloadOf<K> } = {
  status: { v: 1, state: 'online', bootId: BOOT, birth: 1_760_000_000_000, at: 1_760_000_000_000 },
  health: {
    v: 1,
    component: 'hall',
    state: 'degraded',
    at: 5000,
    lastProgressAt: 4000,
    progressAgeMs: 1000,
    detail: 'no frame',
    remedy: null,
  },
  doorState: { v: 1, door: 'main', state: 'awaiting-face', at: 5000 },
  sceneState: { v: 1, camera: 'hall', scene: 'night', at: 5000 },
  modelState: {
    v: 1,
    camera: 'hall',
    space: 'mbf-v1',
    models: [
      {
        task: 'face-encoding',
        name: 'mbf',
        version: '1.0.0',
        sha256: '0a'.repeat(32),
        providersAsked: ['cuda', 'cpu'],
        provider: 'cpu',
      },
    ],
    at: 5000,
  },
  wordsState: {
    v: 1,
    microphone: 'bar',
    words: ['computer'],
    models: [
      {
        task: 'wake-word',
        name: 'wake-computer',
        version: '1.0.0',
        sha256: '0c'.repeat(32),
        providersAsked: ['cpu'],
        provider: 'cpu',
      },
    ],
    at: 5000,
  },
  decision: decision(1),
  alarm: {
    ...{ v: 1, door: 'main', kind: 'forced-door', member: null, reader: 'card', at: 5000 },
    ...{ bootId: BOOT, journal: JOURNAL, seq: 2 },
  },
  visitor: { v: 1, camera: 'hall', visitor: '0123456789ab', visits: 2, at: 5000 },
  unlock: unlock(3),
  activation: {
    ...{ v: 1, microphone: 'bar', word: 'computer', model: 'wake-computer', score: 0.93 },
    ...{ startAt: 4000, endAt: 4700, at: 4900, notAfter: 6900, bootId: BOOT },
  },
  swipe: swipe('4711'),
  contact: { v: 1, open: true, at: 5000, counter: 7, mac: 'ab'.repeat(32) },
  command: { v: 1, id: 'c-1', camera: 'hall' },
  commandResult: { v: 1, id: 'c-1', verb: 'ping', ok: true, result: { deep: [1, null, { er: 'text' }] } },
  auditHead: {
    v: 1,
    journal: JOURNAL,
    seq: 3,
    hash: '0b'.repeat(32),
    at: 5000,
    key: '00112233aabbccdd',
    sig: '5a'.repeat(64),
  },
  updateDesired: { ...desired(), scope: { kind: 'device', site: 'lyon', device: 'front' } },
  fleetDesired: desired(),
  updateData: Buffer.concat([Buffer.from('UCH1'), Buffer.alloc(12), Buffer.from('part')]),
  updateReported: {
    v: 1,
    at: 5000,
    usher: '0.1.0',
    arch: 'x64',
    groups: ['gyms'],
    channels: [
      {
        channel: 'wake/computer',
        active: { release: null, version: '1.0.0' },
        previous: null,
        state: 'transferred',
        candidate: { release: 'wake-computer-2-1.1.0', version: '1.1.0' },
        bytes: { have: 4096, total: 8192 },
        attempt: 1,
        since: 4000,
        reason: null,
        detail: null,
        agreement: null,
      },
    ],
  },
  discovery: discoveryOf({
    base: { site: 'lyon', device: 'front', discoveryPrefix: 'homeassistant' },
    version: '1.0.0',
    doors: [{ id: 'main' }],
    cameras: [{ id: 'hall' }],
    doorStates: ['closed'],
  }),
};
