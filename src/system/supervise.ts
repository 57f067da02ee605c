import { type ChildProcess, fork } from 'node:child_process';
import { type Readable } from 'node:stream';
import { BehaviorSubject, type Observable, Subject } from 'rxjs';
import { messageOf } from '../errors';
import { Backoff } from '../rx/backoff';
import { monotonicMs } from './clock';

export interface ChildOptions {
  readonly name: string;
  /** Compiled entry point. */
  readonly entry: string;
  /** Sent to every new process as its first message. */
  readonly job: unknown;
  /**
   * Limit for the first message, which includes loading models. On a Jetson, building a TensorRT engine takes minutes.
   */
  readonly startMs: number;
  /** A child that is silent for this long is killed: its event loop or a native call hangs. */
  readonly silentMs: number;
  /** Time between the request to stop and SIGKILL. */
  readonly stopMs: number;
  /** Receives what the child prints: native libraries write to stderr. */
  readonly output: (line: string) => void;
  readonly random?: () => number;
  /** The child inherits standard input, for raw sound that is piped into the daemon. */
  readonly inheritsInput?: boolean;
}

export interface ChildState {
  readonly state: 'stopped' | 'running' | 'waiting';
  readonly restarts: number;
  /** Why the last process ended. */
  readonly detail: string | null;
  /** It was silent for too long and was killed. */
  readonly silent?: boolean;
}

const FIRST_DELAY_MS = 500;
const MAX_DELAY_MS = 30_000;
/** After this time in service, the next failure counts as the first again. */
const RESET_AFTER_MS = 30_000;

/**
 * Keeps one child process in service: restarts it with capped, jittered backoff when it ends for any reason, and kills
 * it when it is silent. Invariants: at most one process at a time; after `stop()` resolves none runs and none will
 * start.
 */
export class SupervisedChild<Message> {
  private readonly received = new Subject<Message>();
  private readonly condition = new BehaviorSubject<ChildState>({ state: 'stopped', restarts: 0, detail: null });
  private readonly backoff: Backoff;
  private child: ChildProcess | null = null;
  private wanted = false;
  private startedAt = 0;
  /** Monotonic time of the running process's last message; null before the first. */
  private heardAt: number | null = null;
  private restarts = 0;
  private timer: NodeJS.Timeout | null = null;
  private watch: NodeJS.Timeout | null = null;
  private ended: Promise<void> = Promise.resolve();
  private job: unknown;

  constructor(private readonly options: ChildOptions) {
    this.job = options.job;
    this.backoff = new Backoff(FIRST_DELAY_MS, MAX_DELAY_MS, options.random ?? Math.random);
  }

  get messages(): Observable<Message> {
    return this.received.asObservable();
  }

  get state(): Observable<ChildState> {
    return this.condition.asObservable();
  }

  /** Process id while one runs, for tests and diagnosis. */
  get pid(): number | null {
    return this.child?.pid ?? null;
  }

  /** Sets the job of the next process. The running one keeps its own. */
  assign(job: unknown): void {
    this.job = job;
  }

  /** Sends a message to the running process after its job. False if no process runs. */
  send(message: object): boolean {
    const { child } = this;
    if (child?.connected !== true) return false;
    child.send(message, () => undefined);
    return true;
  }

  start(): void {
    if (this.wanted) return;
    this.wanted = true;
    this.spawn();
    this.watch = setInterval(
      () => {
        if (this.isSilent()) this.child?.kill('SIGKILL');
      },
      Math.max(100, this.options.silentMs / 4),
    );
  }

  async stop(): Promise<void> {
    this.wanted = false;
    if (this.timer !== null) clearTimeout(this.timer);
    if (this.watch !== null) clearInterval(this.watch);
    this.timer = null;
    this.watch = null;
    const { child } = this;
    if (child !== null) {
      this.leave(child);
      await this.ended;
    }
    this.condition.next({ state: 'stopped', restarts: this.restarts, detail: null });
  }

  /** Ends the process; the next one then starts. If it already waits for a restart, it restarts now. */
  restart(): void {
    this.backoff.reset();
    if (this.child !== null) {
      this.leave(this.child);
      return;
    }
    if (this.timer === null) return;
    clearTimeout(this.timer);
    this.spawn();
  }

  /** Children ignore signals, since those reach the whole group. A closed channel is the request to end. */
  private leave(child: ChildProcess): void {
    if (child.connected) child.disconnect();
    const kill = setTimeout(() => child.kill('SIGKILL'), this.options.stopMs);
    child.once('exit', () => clearTimeout(kill));
  }

  private spawn(): void {
    const { entry, inheritsInput = false } = this.options;
    this.timer = null;
    this.startedAt = monotonicMs();
    this.heardAt = null;
    // Only the job configures the child: no arguments, no environment.
    const child = fork(entry, [], {
      serialization: 'advanced',
      stdio: [inheritsInput ? 'inherit' : 'ignore', 'pipe', 'pipe', 'ipc'],
      execArgv: [],
    });
    this.child = child;
    let cause: string | null = null;
    this.ended = new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        this.onEnd(child, cause ?? (signal === null ? `exit code ${code ?? 'unknown'}` : `signal ${signal}`));
        resolve();
      });
      child.on('error', (error) => {
        cause = messageOf(error);
        // `error` without a pid means that no process started and no `exit` event follows.
        if (child.pid === undefined) {
          this.onEnd(child, cause);
          resolve();
        }
      });
    });
    child.on('message', (message) => {
      this.heardAt = monotonicMs();
      this.received.next(message as Message);
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8');
      if (stream !== null) eachLine(stream, this.options.output);
    }
    child.send(this.job as object, (error) => {
      if (error !== null) cause ??= messageOf(error);
    });
    this.condition.next({ state: 'running', restarts: this.restarts, detail: null });
  }

  private isSilent(): boolean {
    const { startMs, silentMs } = this.options;
    const now = monotonicMs();
    return this.heardAt === null ? now - this.startedAt > startMs : now - this.heardAt > silentMs;
  }

  private onEnd(child: ChildProcess, cause: string): void {
    if (this.child !== child) return;
    this.child = null;
    if (!this.wanted) return;
    const now = monotonicMs();
    if (now - this.startedAt > RESET_AFTER_MS) this.backoff.reset();
    const silent = this.isSilent();
    this.restarts++;
    this.condition.next({
      state: 'waiting',
      restarts: this.restarts,
      detail: silent ? `was silent for too long and was killed` : cause,
      silent,
    });
    this.timer = setTimeout(() => this.spawn(), this.backoff.next());
  }
}

/** Longer lines are split. */
const MAX_LINE_CHARS = 8192;

/** Emits whole lines: half an address could show the password that redaction finds by its beginning. */
function eachLine(stream: Readable, output: (line: string) => void): void {
  let rest = '';
  const give = (line: string): void => {
    if (line.trim() !== '') output(line);
  };
  stream.on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > MAX_LINE_CHARS) {
      lines.push(rest);
      rest = '';
    }
    lines.forEach(give);
  });
  stream.on('close', () => give(rest));
}
