import { join } from 'node:path';
import type { WordConfig } from '../config/microphones';
import { UsherError } from '../errors';
import type { RunningModel } from '../events';
import { type Bundle, openBundle, readCard } from '../inference/bundle';
import type { Card, CardOutput } from '../inference/card';
import type { ExecutionOptions, Model } from '../inference/model';
import type { ListeningWord } from './detector';
import { triggerSettings } from './trigger';
import { WakeWordScorer, wakeWordInputOf, wakeWordOutputOf } from './wake-word';

export interface WordsOptions {
  readonly modelsDir: string;
  /** Folders of bundles that lie elsewhere, by name. */
  readonly dirs?: Readonly<Record<string, string>>;
  readonly execution: ExecutionOptions;
}

/** Where the bundle of a name lies. */
export function wordDir(name: string, { modelsDir, dirs = {} }: Pick<WordsOptions, 'modelsDir' | 'dirs'>): string {
  return dirs[name] ?? join(modelsDir, name);
}

/** A wake-word bundle that was opened once; scorers of their own memory are made of it. */
interface OpenedWord {
  readonly bundle: Bundle;
  readonly model: Model;
}

/** The networks of a list of words, opened (digests and golden vectors checked), each once. */
export class WordModels {
  private constructor(
    private readonly words: readonly WordConfig[],
    private readonly opened: ReadonlyMap<string, OpenedWord>,
    readonly running: readonly RunningModel[],
  ) {}

  /** @throws UsherError `model-missing` or `model-invalid`, a model that was trained for other features included */
  static async open(words: readonly WordConfig[], options: WordsOptions): Promise<WordModels> {
    const { execution } = options;
    const names = new Set(words.flatMap(({ model, check }) => (check === null ? [model] : [model, check])));
    const opened = new Map<string, OpenedWord>();
    const running: RunningModel[] = [];
    try {
      for (const name of names) {
        const dir = wordDir(name, options);
        const card = await wakeWordCard(dir);
        const { bundle, model } = await openBundle(dir, execution);
        opened.set(name, { bundle, model });
        running.push({
          task: card.task,
          name: card.name,
          version: card.version,
          sha256: card.files[card.model] ?? '',
          providersAsked: execution.providers,
          provider: model.provider,
        });
      }
      for (const word of words) sameWord(word, opened);
    } catch (error) {
      await Promise.all([...opened.values()].map(({ model }) => model.dispose()));
      throw error;
    }
    return new WordModels(words, opened, running);
  }

  /** Every word with a memory of its own, for one stream of sound. */
  listeners(): ListeningWord[] {
    return this.words.map(({ model, sensitivity, check, refractoryMs }) => {
      const ear = (name: string): { scorer: WakeWordScorer; output: CardOutput<'wake-word'> } => {
        const { bundle, model: network } = this.opened.get(name) as OpenedWord;
        return { scorer: new WakeWordScorer(bundle, network), output: wakeWordOutputOf(bundle.card) };
      };
      const settings = (output: CardOutput<'wake-word'>): ListeningWord['trigger'] =>
        triggerSettings(output, { threshold: output.presets[sensitivity], refractoryMs });
      const first = ear(model);
      const second = check === null ? null : ear(check);
      return {
        word: first.output.word,
        model,
        scorer: first.scorer,
        trigger: settings(first.output),
        check: second === null ? null : { scorer: second.scorer, trigger: settings(second.output) },
      };
    });
  }

  async dispose(): Promise<void> {
    for (const { model } of this.opened.values()) await model.dispose();
  }
}

/** The card of a wake word that this usher can run. @throws UsherError `model-missing` or `model-invalid` */
export async function wakeWordCard(dir: string): Promise<Card> {
  const card = await readCard(dir);
  wakeWordInputOf(card);
  wakeWordOutputOf(card);
  return card;
}

function sameWord({ model, check }: WordConfig, opened: ReadonlyMap<string, OpenedWord>): void {
  const wordOf = (name: string): string => wakeWordOutputOf((opened.get(name) as OpenedWord).bundle.card).word;
  if (check !== null && wordOf(check) !== wordOf(model))
    throw new UsherError('model-invalid', `${check} hears "${wordOf(check)}" and cannot check "${wordOf(model)}"`, {
      remedy: 'Name a model of the same word as `check`, or none.',
    });
}
