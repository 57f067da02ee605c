import { z } from 'zod';
import { UsherError } from '../../errors';
import type { WordDetector } from '../wake-word/detector';
import { PIECE_SAMPLES, SOUND_RATE_HZ } from '../sources/sound';
import type { WyomingEvent } from './framing';

/** A word that a client may request, as `info` lists it. */
export interface OfferedWord {
  /** Name of the bundle: what clients ask for. */
  readonly model: string;
  readonly word: string;
  readonly version: string;
  readonly origin: string;
}

export interface Answer {
  readonly type: 'info' | 'detection' | 'not-detected' | 'pong';
  readonly data: object;
}

const Detect = z.object({ names: z.array(z.string().max(128)).max(64).nullish() });
const Sound = z.object({
  rate: z.literal(SOUND_RATE_HZ),
  width: z.literal(2),
  channels: z.literal(1),
  timestamp: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER).nullish(),
});
const Ping = z.object({ text: z.string().max(256).nullish() });

/**
 * One client's conversation: describe → info; detect, audio-start, audio-chunk… → detection for each detected word;
 * audio-stop → not-detected if there was none. Events of other services are ignored, as the protocol requires.
 */
export class WyomingSession {
  private wanted: ReadonlySet<string> | null = null;
  private detected = false;
  /** Ms of this stream, for clients that give no timestamps. */
  private heardMs = 0;
  private readonly piece = new Float32Array(PIECE_SAMPLES);

  constructor(
    private readonly detector: Pick<WordDetector, 'push' | 'reset'>,
    private readonly offered: readonly OfferedWord[],
    private readonly version: string,
  ) {}

  /** @throws UsherError `message-invalid`: the client gets an error, and the conversation ends */
  async handle(event: WyomingEvent, answer: (answer: Answer) => void): Promise<void> {
    switch (event.type) {
      case 'describe':
        answer({ type: 'info', data: this.info() });
        return;
      case 'ping':
        answer({ type: 'pong', data: { text: checked(Ping, event).text ?? null } });
        return;
      case 'detect':
        this.want(checked(Detect, event).names ?? null);
        return;
      case 'audio-start':
        checked(Sound, event);
        this.begin();
        return;
      case 'audio-chunk':
        await this.listen(event, answer);
        return;
      case 'audio-stop':
        if (!this.detected) answer({ type: 'not-detected', data: {} });
        this.begin();
        return;
    }
  }

  private want(names: readonly string[] | null): void {
    if (names === null || names.length === 0) {
      this.wanted = null;
      return;
    }
    const known = names.filter((name) => this.offered.some(({ model }) => model === name));
    if (known.length === 0) {
      const offer = this.offered.map(({ model }) => model).join(', ');
      throw new UsherError('message-invalid', `none of the requested words is offered; there is: ${offer}`);
    }
    this.wanted = new Set(known);
  }

  private begin(): void {
    this.detected = false;
    this.heardMs = 0;
    this.detector.reset();
  }

  private async listen(event: WyomingEvent, answer: (answer: Answer) => void): Promise<void> {
    const { timestamp } = checked(Sound, event);
    const { payload } = event;
    if (payload.length % 2 !== 0)
      throw new UsherError('message-invalid', `a piece of ${payload.length} bytes is not 16-bit sound`);
    const startedMs = timestamp ?? this.heardMs;
    for (let at = 0; at < payload.length; at += 2 * PIECE_SAMPLES) {
      const length = Math.min(PIECE_SAMPLES, (payload.length - at) / 2);
      for (let i = 0; i < length; i++) this.piece[i] = payload.readInt16LE(at + 2 * i) / 32_768;
      await this.detector.push(this.piece, length, ({ model }) => {
        if (this.wanted?.has(model) === false) return;
        this.detected = true;
        const endMs = startedMs + ((at / 2 + length) * 1000) / SOUND_RATE_HZ;
        answer({ type: 'detection', data: { name: model, timestamp: Math.round(endMs) } });
      });
    }
    this.heardMs = startedMs + (payload.length * 500) / SOUND_RATE_HZ;
  }

  private info(): object {
    const attribution = { name: 'usher', url: '' };
    return {
      wake: [
        {
          name: 'usher',
          description: 'Trigger words on the edge',
          attribution,
          installed: true,
          version: this.version,
          models: this.offered.map(({ model, word, version, origin }) => ({
            name: model,
            description: word,
            phrase: word,
            attribution: { name: origin.slice(0, 200), url: '' },
            installed: true,
            languages: ['en'],
            version,
          })),
        },
      ],
    };
  }
}

function checked<S extends z.ZodType>(schema: S, { type, data }: WyomingEvent): z.infer<S> {
  const parsed = schema.safeParse(data);
  if (parsed.success) return parsed.data;
  throw new UsherError('message-invalid', `${type}: ${z.prettifyError(parsed.error)}`, {
    remedy: 'Send 16-bit mono sound at 16,000 Hz.',
  });
}
