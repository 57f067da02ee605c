import { randomBytes, randomUUID } from 'node:crypto';
import { type DecisionPayload, type SwipePayload, type UnlockPayload } from '../../src/mqtt/payloads';

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
