import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LIVENESS_ABSENT, type Observation, type Subject } from '../../src/events';
import { Roster } from '../../src/access/members/roster';
import type { EncoderFacts } from '../../src/access/members/thresholds';
import { Database, type Row, type SqlValue } from '../../src/store/database/database';
import { Store } from '../../src/store/store';

export const SPACE = 'test-1';
export const DIMENSIONS = 8;

/** Distances as of a real encoder: 0.8 at the rate of one in 10,000. */
export const ENCODER: EncoderFacts = {
  space: SPACE,
  dimensions: DIMENSIONS,
  normalise: true,
  thresholds: [
    { fmr: 1e-2, distance: 1.0 },
    { fmr: 1e-4, distance: 0.8 },
    { fmr: 1e-6, distance: 0.6 },
  ],
};

/** Unit vector at an angle from the first axis, towards another one: a face that is more or less like it. */
export function faceAt(axis: number, radians = 0): Float32Array {
  const vector = new Float32Array(DIMENSIONS);
  vector[axis] = Math.cos(radians);
  vector[(axis + 1) % DIMENSIONS] = Math.sin(radians);
  return vector;
}

/** A real store in a folder of its own, and the members as doors see them. */
export class Members {
  readonly dir = mkdtempSync(join(tmpdir(), 'usher-members-'));
  readonly store = Store.open(this.dir);
  readonly roster = new Roster(this.store, ENCODER);

  add(id: string, ...vectors: Float32Array[]): void {
    this.store.members.add(
      { id, name: `Member ${id}` },
      vectors.map((vector) => ({ space: SPACE, vector, quality: 0.9, source: 'picture' })),
    );
    this.roster.load();
  }

  /** Changes the file as another program would. */
  change(sql: string, ...values: readonly SqlValue[]): Row | undefined {
    const database = Database.open(join(this.dir, 'usher.db'), { readonly: false, busyTimeoutMs: 0, journal: 'wal' });
    database.exec('PRAGMA foreign_keys = OFF');
    try {
      return database.get(sql, ...values);
    } finally {
      database.close();
    }
  }

  remove(): void {
    this.store.close();
    rmSync(this.dir, { recursive: true });
  }
}

/** What a vision child tells of one frame; `face` null: nobody is there. */
export function observation(
  mono: number,
  face: Float32Array | null,
  { track = 1, embedding = face, space = SPACE, camera = 'cam', quality = 0.9, liveness = LIVENESS_ABSENT } = {},
): Observation {
  const subject: Subject | null =
    face === null
      ? null
      : {
          ...{ box: { x: 10, y: 10, width: 100, height: 120 }, detectionScore: 0.9, track, refusal: null },
          ...{ embedding, fused: face, fusedFrames: 3, liveness },
          quality: {
            ...{ interocularPx: 50, sharpness: 0.1, brightness: 120, contrast: 40 },
            ...{ yaw: 0, pitch: 0, rollDeg: 0, score: quality },
          },
        };
  return { kind: 'observation', camera, at: 1_700_000_000_000 + mono, mono, frame: mono, faces: 1, space, subject };
}
