import { spawn } from 'node:child_process';
import { SourceProcess } from '../../sources/source-process';
import { monotonicMs } from '../../system/clock';
import { FrameAssembler, type FrameFormat } from './assembler';
import { createFrameClock, type FrameTimes } from './frame-clock';
import { LateWatch } from './late-watch';
import { type LentFrame } from './source';

export interface ProgramInput {
  readonly stdin: string | null;
  readonly args: readonly string[];
}

/** A program that writes frames (rgb24, packed) to one of its file descriptors. */
export interface FrameProgram extends FrameFormat {
  readonly name: string;
  readonly live: boolean;
  readonly command: string;
  /** Handed over as they are; no shell is involved. */
  readonly args: readonly string[];
  /** What it is given on its standard input, which `ps` does not show, and arguments in place of `args`; made for every start. */
  readonly input?: () => Promise<ProgramInput>;
  /** 3 where the program chats on its standard output. */
  readonly framesFd: 1 | 3;
  readonly times: FrameTimes;
  /** Most frames a second that it writes. */
  readonly fps: number;
  /** Constant delay of the camera, ms. */
  readonly latencyMs: number;
  readonly debianPackage: string;
  /** What to do when it fails. */
  readonly remedy: string;
  /** Looks whether it can work at all; throws a UsherError that tells more than the program's own complaint would. */
  readonly check?: () => Promise<void>;
}

/** Runs a frame program as a camera. */
export class FrameProcess extends SourceProcess<LentFrame> {
  /** @param killAfterMs as of SourceProcess */
  constructor(program: FrameProgram, killAfterMs?: number) {
    const { command, args, framesFd, times, fps, latencyMs, check, input, ...about } = program;
    let given: ProgramInput = { stdin: null, args };
    super(
      {
        ...about,
        command,
        dataFd: framesFd,
        failure: 'camera-failed',
        spawn: () => {
          const child = spawn(command, given.args, {
            stdio: [
              given.stdin === null ? 'ignore' : 'pipe',
              framesFd === 1 ? 'pipe' : 'ignore',
              'pipe',
              framesFd === 3 ? 'pipe' : 'ignore',
            ],
          });
          // The exit handler reports a process that ends before it has read.
          child.stdin?.on('error', () => undefined).end(given.stdin);
          return child;
        },
        assembler: () =>
          new FrameAssembler(program, {
            clock: createFrameClock({ times, fps, latencyMs }),
            late: new LateWatch(program.name, latencyMs),
            now: monotonicMs,
          }),
        check: async () => {
          await check?.();
          if (input !== undefined) given = await input();
        },
      },
      killAfterMs,
    );
  }
}
