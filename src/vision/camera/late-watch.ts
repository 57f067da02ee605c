import { UsherError } from '../../errors';
import { isTimely } from '../../access/frame-age';

/** When all frames have been late for this long, the delay is permanent: only a restart empties the buffer that causes it. */
const LATE_FOR_GOOD_MS = 6000;

/** Fails a camera whose frames all come too late to be used. */
export class LateWatch {
  private since = NaN;

  constructor(
    private readonly name: string,
    private readonly latencyMs: number,
  ) {}

  /** @throws UsherError `camera-failed` */
  note(arrived: number, mono: number): void {
    if (isTimely(mono, arrived, this.latencyMs)) {
      this.since = NaN;
      return;
    }
    if (Number.isNaN(this.since)) this.since = arrived;
    if (arrived - this.since <= LATE_FOR_GOOD_MS) return;
    const late = arrived - mono - this.latencyMs;
    throw new UsherError(
      'camera-failed',
      Number.isFinite(late)
        ? `${this.name}: for ${LATE_FOR_GOOD_MS / 1000} s all pictures arrived late, now by ${(late / 1000).toFixed(1)} s`
        : `${this.name}: for ${LATE_FOR_GOOD_MS / 1000} s pictures arrived faster than they are taken`,
      {
        remedy:
          'It is restarted. If that does not help, lower its frame rate or size, and check the network. For a camera whose own clock is wrong set "source.times: arrival".',
      },
    );
  }
}
