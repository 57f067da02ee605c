import { join } from 'node:path';
import type { WordConfig } from '../../config/schema/microphones';
import { UsherError } from '../../errors';
import type { RunningModel } from '../../events';
import { readCard } from '../../inference/bundle';
import type { Card, CardOutput } from '../../inference/card';
import type { ExecutionOptions } from '../../inference/model';
import type { ListeningWord } from './detector';
import { triggerSettings } from './trigger';
import { openWakeWord, type WakeWord, wakeWordInputOf, wakeWordOutputOf } from './wake-word';

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

/** The networks of a list of words, opened (digests and golden vectors checked), each once. */
export class WordModels {
  private constructor(
    private readonly words: readonly WordConfig[],
    private readonly opened: ReadonlyMap<string, WakeWord>,
    readonly running: readonly RunningModel[],
  ) {}

  /** @throws UsherError `model-missing` or `model-invalid`, a model that was trained for other features included */
  static async open(words: readonly WordConfig[], options: WordsOptions): Promise<WordModels> {
    const { execution } = options;
    const names = new Set(words.flatMap(({ model, check }) => (check === null ? [model] : [model, check])));
    const opened = new Map<string, WakeWord>();
    const running: RunningModel[] = [];
    try {
      for (const name of names) {
        const dir = wordDir(name, options);
        const word = await openWakeWord(dir, execution);
        opened.set(name, word);
        const { card } = word.bundle;
        running.push({
          task: card.task,
          name: card.name,
          version: card.version,
          sha256: card.files[card.model] ?? '',
          providersAsked: execution.providers,
          provider: word.provider,
        });
      }
      for (const word of words) sameWord(word, opened);
    } catch (error) {
      await Promise.all([...opened.values()].map((word) => word.dispose()));
      throw error;
    }
    return new WordModels(words, opened, running);
  }

  /** Every word with its own state, for one stream of sound. */
  listeners(): ListeningWord[] {
    return this.words.map(({ model, sensitivity, check, refractoryMs }) => {
      const settings = (output: CardOutput<'wake-word'>): ListeningWord['trigger'] =>
        triggerSettings(output, { threshold: output.presets[sensitivity], refractoryMs });
      const listener = (name: string): NonNullable<ListeningWord['check']> => {
        const opened = this.opened.get(name) as WakeWord;
        return { scorer: opened.scorer(), trigger: settings(opened.output) };
      };
      return {
        word: (this.opened.get(model) as WakeWord).output.word,
        model,
        ...listener(model),
        check: check === null ? null : listener(check),
      };
    });
  }

  async dispose(): Promise<void> {
    for (const word of this.opened.values()) await word.dispose();
  }
}

/** The card of a wake word that this usher can run. @throws UsherError `model-missing` or `model-invalid` */
export async function wakeWordCard(dir: string): Promise<Card> {
  const card = await readCard(dir);
  wakeWordInputOf(card);
  wakeWordOutputOf(card);
  return card;
}

function sameWord({ model, check }: WordConfig, opened: ReadonlyMap<string, WakeWord>): void {
  const wordOf = (name: string): string => (opened.get(name) as WakeWord).output.word;
  if (check !== null && wordOf(check) !== wordOf(model))
    throw new UsherError('model-invalid', `${check} hears "${wordOf(check)}" and cannot check "${wordOf(model)}"`, {
      remedy: 'Name a model of the same word as `check`, or none.',
    });
}
