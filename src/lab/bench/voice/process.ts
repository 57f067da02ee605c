import { readdirSync, readFileSync } from 'node:fs';
import { filter, firstValueFrom, take, timeout } from 'rxjs';
import type { MicrophoneConfig } from '../../../config/schema/microphones';
import { UsherError } from '../../../errors';
import type { MicrophoneStatus, VoiceEvent } from '../../../events';
import { CPU_ONE_THREAD } from '../../../inference/model';
import { childEntry } from '../../../system/paths';
import { SupervisedChild } from '../../../system/supervise';
import type { VoiceJob } from '../../../voice/job';
import type { CpuUse } from './voice';

const READY_MS = 60_000;

/** A voice child as the daemon runs it, for measurements. */
export class MeasuredVoice {
  private readonly child: SupervisedChild<VoiceEvent>;
  private said = '';
  private latest: MicrophoneStatus | null = null;
  activations = 0;

  constructor(microphone: MicrophoneConfig, modelsDir: string) {
    const job: VoiceJob = { microphone, modelsDir, execution: CPU_ONE_THREAD, captureDir: null };
    this.child = new SupervisedChild({
      name: microphone.id,
      entry: childEntry('voice'),
      job,
      startMs: READY_MS,
      silentMs: 30_000,
      stopMs: 3000,
      output: (line) => (this.said = line),
    });
    this.child.messages.subscribe((event) => {
      if (event.kind === 'activation') this.activations++;
      if (event.kind === 'microphone') this.latest = event;
      if (event.kind === 'failed') this.said = event.message;
    });
  }

  get pid(): number {
    return this.child.pid ?? -1;
  }

  get status(): MicrophoneStatus | null {
    return this.latest;
  }

  /** Resolves when it listens. @throws UsherError `microphone-failed` with its last message */
  async start(): Promise<void> {
    this.child.start();
    await this.until((status) => status.hearing || status.state === 'ended', READY_MS);
  }

  /** @throws UsherError `microphone-failed` if that does not happen in time */
  async until(holds: (status: MicrophoneStatus) => boolean, ms: number): Promise<MicrophoneStatus> {
    const wanted = this.child.messages.pipe(
      filter((event) => event.kind === 'microphone'),
      filter(holds),
      take(1),
      timeout(ms),
    );
    return firstValueFrom(wanted).catch(() => {
      throw new UsherError('microphone-failed', `the voice process: ${this.said || (this.latest?.detail ?? 'silent')}`);
    });
  }

  stop(): Promise<void> {
    return this.child.stop();
  }

  /** CPU time of all its threads over this much real time. */
  async cpuOver(seconds: number, onProgress: (share: number) => void): Promise<CpuUse> {
    const before = cpuMsOf(this.pid);
    const startedAt = performance.now();
    for (let elapsed = 0; elapsed < seconds; elapsed = (performance.now() - startedAt) / 1000) {
      onProgress(elapsed / seconds);
      await new Promise((resolve) => setTimeout(resolve, Math.min(500, (seconds - elapsed) * 1000)));
    }
    return { cpuMs: cpuMsOf(this.pid) - before, elapsedMs: performance.now() - startedAt };
  }
}

/** CPU time as the scheduler counts it, in nanoseconds; /proc/PID/stat only has hundredths of a second. */
function cpuMsOf(pid: number): number {
  const tasks = readdirSync(`/proc/${pid}/task`);
  return tasks.reduce((sum, task) => {
    try {
      return sum + Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ')[0]) / 1e6;
    } catch {
      return sum;
    }
  }, 0);
}
