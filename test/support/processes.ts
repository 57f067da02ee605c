import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';

export const describeWithFfmpeg = spawnSync('ffmpeg', ['-version']).status === 0 ? describe : describe.skip;

/** Process ids of this process's own children that run the program. */
export function childrenRunning(program: string): number[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .filter((entry) => {
      try {
        const stat = readFileSync(`/proc/${entry}/stat`, 'utf8');
        const [, comm, state, parent] = /^\d+ \((.*)\) (\S) (\d+)/s.exec(stat) ?? [];
        return comm === program && state !== 'Z' && Number(parent) === process.pid;
      } catch {
        return false;
      }
    })
    .map(Number);
}

/** Writes a test picture clip; `seconds` may be a fraction. */
export function makeClip(file: string, options: { seconds: number; fps: number; size: string }): void {
  const source = `testsrc=size=${options.size}:rate=${options.fps}:duration=${options.seconds}`;
  const codec = file.endsWith('.y4m') ? ['-pix_fmt', 'yuv420p'] : ['-c:v', 'mpeg4', '-q:v', '3'];
  execFileSync('ffmpeg', ['-loglevel', 'error', '-y', '-f', 'lavfi', '-i', source, ...codec, file]);
}
