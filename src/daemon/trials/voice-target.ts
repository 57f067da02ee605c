import { channelOfWord, wordOfChannel } from '../../fleet/update/installed';
import { type Candidate, type Obstacle, type RunningModel, type Trial, TrialFailed } from '../../fleet/update/trial';
import type { Card } from '../../inference/card';
import type { Log } from '../../system/log';
import { wakeWordCard, wordDir } from '../../voice/wake-word/load';
import { wakeWordOutputOf } from '../../voice/wake-word/wake-word';
import { type ChannelTarget, wrongKind } from './targets';
import type { TrialLimits } from './trial-limits';
import { VoiceTrial } from './voice-trial';
import type { Voices } from '../microphones/voices';

export interface VoiceTargetParts {
  readonly voices: () => Pick<Voices, 'all' | 'adopt' | 'dirs'>;
  /** Names of the bundles that microphones use. */
  readonly names: readonly string[];
  readonly modelsDir: string;
  readonly entry: string;
  readonly limits: TrialLimits;
  readonly log: Log;
}

/** The trigger words of this box, as a target of updates: the channel of `wake-computer` is `wake/computer`. */
export class VoiceTarget implements ChannelTarget {
  private readonly cards = new Map<string, Card>();

  constructor(private readonly parts: VoiceTargetParts) {}

  get channels(): readonly string[] {
    return this.parts.names.map(channelOfWord);
  }

  /** Reads the cards of the running models. Call it before anything else. */
  async start(): Promise<void> {
    const { names, modelsDir, voices } = this.parts;
    for (const name of names) {
      try {
        this.cards.set(name, await wakeWordCard(wordDir(name, { modelsDir, dirs: voices().dirs })));
      } catch {
        // The microphone's own process reports its fault; no model can be tried on it.
      }
    }
  }

  running(channel: string): RunningModel | null {
    const name = this.nameOf(channel);
    const card = this.cards.get(name ?? '');
    if (name === null || card === undefined) return null;
    const { modelsDir, voices } = this.parts;
    return { version: card.version, space: null, dir: wordDir(name, { modelsDir, dirs: voices().dirs }) };
  }

  obstacle({ channel, release }: Candidate): Obstacle | null {
    if (release.kind === 'config') return wrongKind(channel, release);
    return this.microphonesWith(channel).length > 0
      ? null
      : { reason: 'not-running', detail: `no working microphone uses ${channel}` };
  }

  begin({ channel, dir }: Candidate): Trial {
    const { voices, ...parts } = this.parts;
    const name = this.nameOf(channel);
    if (name === null) throw new TrialFailed('invalid', `there is no trigger word on ${channel}`);
    const { dirs } = voices();
    return new VoiceTrial({
      ...parts,
      services: this.microphonesWith(channel),
      changed: { ...dirs, [name]: dir },
      examine: () => this.requireSameWord(name, dir),
      adopt: (changed) => this.adopt(name, changed),
    });
  }

  async restore(channel: string, dir: string | null): Promise<void> {
    const name = this.nameOf(channel);
    if (name === null) return;
    const others = Object.fromEntries(Object.entries(this.parts.voices().dirs).filter(([bundle]) => bundle !== name));
    await this.adopt(name, dir === null ? others : { ...others, [name]: dir });
  }

  private async adopt(name: string, dirs: Readonly<Record<string, string>>): Promise<void> {
    const { voices, modelsDir } = this.parts;
    const card = await wakeWordCard(wordDir(name, { modelsDir, dirs }));
    await voices().adopt(dirs);
    this.cards.set(name, card);
  }

  /** A box that reacts to another word than people say is useless, however accurate it is. */
  private async requireSameWord(name: string, dir: string): Promise<void> {
    const own = this.cards.get(name);
    if (own === undefined) return;
    const [before, after] = [wakeWordOutputOf(own).word, wakeWordOutputOf(await wakeWordCard(dir)).word];
    if (before !== after) throw new TrialFailed('invalid', `its word is "${after}", but the box uses "${before}"`);
  }

  private microphonesWith(channel: string): Voices['all'] {
    const name = this.nameOf(channel);
    const uses = (words: readonly { readonly model: string; readonly check: string | null }[]): boolean =>
      words.some(({ model, check }) => model === name || check === name);
    return this.parts.voices().all.filter(({ microphone, isHearing }) => isHearing && uses(microphone.words));
  }

  private nameOf(channel: string): string | null {
    return wordOfChannel(channel, this.parts.names);
  }
}
