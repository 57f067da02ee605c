import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeRecording } from '../../src/lab/demo/recording';
import { packageVersion } from '../../src/system/paths';

/** Pictures of a recorded entrance: the member and the stranger, near, as the camera sees them, and the enrolment still. */
export interface Entrance {
  readonly still: string;
  readonly clip: string;
  readonly memberFrames: string;
  readonly strangerFrames: string;
}

/** Of the machine, even where a proof has a folder for temporary files of its own. */
const CACHE = tmpdir();

/** Made once a machine and version; the files of a half-made one are never used. */
export async function entranceRecording(): Promise<Entrance> {
  const folder = join(CACHE, `usher-test-entrance-${packageVersion()}-${process.getuid?.() ?? 0}`);
  const entrance = {
    still: join(folder, 'still'),
    clip: join(folder, 'clip'),
    memberFrames: join(folder, 'member'),
    strangerFrames: join(folder, 'stranger'),
  };
  const facts = join(folder, 'facts.json');
  if (!existsSync(facts)) {
    const draft = `${folder}.${process.pid}`;
    const recording = await makeRecording({ folder: draft });
    extract(recording.clip, recording.member, join(draft, 'member'));
    extract(recording.clip, recording.stranger, join(draft, 'stranger'));
    renameSync(recording.enrolmentStill, join(draft, 'still'));
    renameSync(recording.clip, join(draft, 'clip'));
    writeFileSync(join(draft, 'facts.json'), JSON.stringify(recording));
    if (!existsSync(folder)) renameSync(draft, folder);
  }
  return entrance;
}

/** The middle of the visit, where the person stands near. */
function extract(clip: string, visit: { fromS: number; toS: number }, into: string): void {
  mkdirSync(into, { recursive: true });
  const middle = (visit.fromS + visit.toS) / 2;
  execFileSync('ffmpeg', [
    '-loglevel',
    'error',
    '-ss',
    String(middle - 0.5),
    '-t',
    '1.5',
    '-i',
    clip,
    '-q:v',
    '3',
    join(into, '%03d.jpg'),
  ]);
  if (readdirSync(into).length < 5) throw new Error(`too few frames of ${clip}`);
}
