/**
 * How the frames of a source are dated. `stream`: by their times in it; `arrival`: they have no times; `unpaced`: it is
 * not a live picture.
 */
export type FrameTimes = 'stream' | 'arrival' | 'unpaced';

/**
 * When was this frame taken? A frame that was held up (a stalled network, a stopped process, a recorder that sends its buffer first)
 * shows who was there, not who is there, so it must not be dated by its arrival.
 */
export interface FrameClock {
  /**
   * Milliseconds; arrivals and dates are on the machine's monotonic clock. A date is never later than the arrival, and
   * -Infinity while it is unknown.
   * @param streamMs the frame's time in its stream; null if it has none
   */
  date(arrivedMs: number, streamMs: number | null): number;
}

export interface FrameClockOptions {
  readonly times: FrameTimes;
  /** Most frames a second that the source lets through. */
  readonly fps: number;
  /** Constant delay of the camera, which no stream shows. */
  readonly latencyMs: number;
}

/** Where two clocks doubt a frame, the older date counts. */
export function createFrameClock({ times, fps, latencyMs }: FrameClockOptions): FrameClock {
  // A file that is read as fast as it goes would look like one backlog.
  if (times === 'unpaced') return { date: (arrived) => arrived - latencyMs };
  const arrival = new ArrivalClock(1000 / fps);
  const stream = times === 'stream' ? new StreamClock() : null;
  let newest = -Infinity;
  return {
    date: (arrived, streamMs) => {
      const byArrival = arrival.date(arrived);
      const hasTime = streamMs !== null && streamMs < UNTIMED_MS;
      const byStream = stream !== null && hasTime ? stream.date(arrived, streamMs) : byArrival;
      const date = Math.min(byArrival, byStream) - latencyMs;
      if (date === -Infinity) return date;
      // Frames come in the order in which they were taken.
      newest = Math.max(newest, date);
      return newest;
    },
  };
}

/** Put on the times that ffmpeg made up, for a stream that has none: no camera runs for thirty years. */
export const UNTIMED_MS = 1e12;

/** The smallest delay is believed to hold this long; a delay that falls within it was a backlog being worked off. */
const SETTLE_MS = 1000;
/** So much less delay than before is jitter. */
const JITTER_MS = 50;
/** Two clocks drift: crystals by up to 1e-4, and a time server may turn this machine's clock by 5e-4. */
const DRIFT = 1e-3;
/** A camera's clock that is faster than this machine's by more than this is not usable. */
const FAST = 5e-3;

/**
 * Maps the stream's time to this machine's by the smallest observed delay, as jitter buffers do (RFC 3550 has the
 * jitter; the minimum filter is that of NTP, RFC 5905 section 10). A frame with a larger delay is late by the
 * difference. While the smallest delay keeps falling, frames arrive faster than they were taken: a backlog is being
 * delivered, and the age of its frames is unknown until it ends. This happens after each start, since a recorder sends
 * its last group of pictures first.
 */
export class StreamClock {
  private offset = NaN;
  /** The smallest delay as it was when it last fell, less what drift explains. */
  private anchor = NaN;
  private fellAt = 0;
  private lastArrived = 0;
  private lastStream = 0;

  date(arrived: number, stream: number): number {
    const delay = arrived - stream;
    if (Number.isNaN(this.offset) || stream < this.lastStream) {
      // The stream began, or jumped back: nothing is known of its delay.
      this.offset = this.anchor = delay;
      this.fellAt = arrived;
    } else {
      const elapsed = Math.max(0, arrived - this.lastArrived);
      this.offset = Math.min(delay, this.offset + DRIFT * elapsed);
      this.anchor = Math.max(this.offset, this.anchor - FAST * elapsed);
      if (this.anchor - this.offset > JITTER_MS) {
        this.anchor = this.offset;
        this.fellAt = arrived;
      }
    }
    this.lastArrived = arrived;
    this.lastStream = stream;
    return arrived - this.fellAt < SETTLE_MS ? -Infinity : Math.min(arrived, stream + this.offset);
  }
}

/** A pause shorter than this is jitter, whatever the rate. */
const PAUSE_MS = 300;
/** … and so many intervals. */
const PAUSE_INTERVALS = 3;
/** A window of at least so many frames and milliseconds shows whether frames come at their usual distance, on the average. */
const WINDOW_FRAMES = 4;
const WINDOW_MS = 250;
/** Frames that come at less than this part of their usual distance were waiting somewhere. */
const CLOSE = 0.8;
/** So much of what a window shows is learned. */
const LEARN = 0.3;
/** The interval is known to a few percent, and so is the time that frames have waited. */
const DOUBT = 0.07;

/**
 * Dates frames only by their arrival. After a pause it assumes a backlog until frames arrive at their usual interval:
 * each was taken one interval after the one before. Streams without times (MJPEG over HTTP, raw video) need this; for
 * others it protects against times that are set when a frame is sent. It cannot detect a backlog that is delivered at
 * hardly more than the usual rate.
 */
export class ArrivalClock {
  private lag = Infinity;
  private doubt = 0;
  private last = NaN;
  private windowFrames = 0;
  private windowSince = 0;
  private paused = false;
  private interval: number;

  /** @param least distance of frames, on the average, that the source allows; more is learned */
  constructor(private readonly least: number) {
    this.interval = least;
  }

  date(arrived: number): number {
    if (Number.isNaN(this.last)) {
      this.last = this.windowSince = arrived;
      return -Infinity;
    }
    const spacing = arrived - this.last;
    this.last = arrived;
    const pause = spacing > Math.max(PAUSE_MS, PAUSE_INTERVALS * this.interval);
    if (pause && !this.paused) {
      // The first of them waited the longest. A second long pause in a row is a slow camera.
      if (this.lag === 0) this.doubt = 0;
      this.lag += spacing - this.interval;
      this.doubt = Math.max(this.doubt, DOUBT * this.lag);
      this.startWindow(arrived);
    } else {
      if (this.lag > 0) this.lag = Math.max(0, this.lag + spacing - this.interval);
      this.look(arrived);
    }
    this.paused = pause;
    return arrived - this.lag - this.doubt;
  }

  /** No frame is waiting once a window has its usual length. Bursts inside a window do not matter. */
  private look(arrived: number): void {
    this.windowFrames++;
    const elapsed = arrived - this.windowSince;
    if (this.windowFrames < WINDOW_FRAMES || elapsed < WINDOW_MS) return;
    const mean = elapsed / this.windowFrames;
    if (mean >= CLOSE * this.interval) this.lag = this.doubt = 0;
    if (this.lag === 0) this.interval = Math.max(this.least, this.interval + LEARN * (mean - this.interval));
    this.startWindow(arrived);
  }

  private startWindow(at: number): void {
    this.windowFrames = 0;
    this.windowSince = at;
  }
}
