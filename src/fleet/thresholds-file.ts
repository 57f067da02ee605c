import { z } from 'zod';
import { type Card, CardSchema } from '../inference/card';
import { Version } from '../mqtt/topics/update-payloads';
import { refuse } from './refusal';
import { Sha256 } from './release';

/** `thresholds.json`: another table for a model that stays. The rows are those of the card's output; the card's schema judges them. */
export const ThresholdsFile = z.strictObject({
  v: z.literal(1),
  model: z.strictObject({ name: z.string().max(64), version: Version, sha256: Sha256 }),
  /** Keys of the card's `output` to replace: `thresholds`, or `operatingPoints` and `presets`. */
  output: z
    .strictObject({
      thresholds: z.array(z.unknown()).min(1).max(64).optional(),
      operatingPoints: z.array(z.unknown()).min(1).max(64).optional(),
      presets: z.unknown().optional(),
      scoreThreshold: z.number().min(0).max(1).optional(),
    })
    .refine((output) => Object.keys(output).length > 0, 'nothing is replaced'),
});
export type ThresholdsFile = z.infer<typeof ThresholdsFile>;

/** The table of a bundle as `thresholds.json`: to be changed, and published for the boxes that run this very model. */
export function thresholdsOf(card: Card): ThresholdsFile | null {
  const { name, version, files, model } = card;
  const keys = ['thresholds', 'operatingPoints', 'presets', 'scoreThreshold'];
  const output = Object.fromEntries(Object.entries(card.output).filter(([key]) => keys.includes(key)));
  if (Object.keys(output).length === 0) return null;
  return ThresholdsFile.parse({ v: 1, model: { name, version, sha256: files[model] ?? '' }, output });
}

/**
 * The card with another table. @throws ReleaseRefused `thresholds-invalid` when it is for another model, or the card's schema does
 * not allow it
 */
export function withThresholds(card: Card, { model, output }: ThresholdsFile): Card {
  if (model.name !== card.name || model.version !== card.version || model.sha256 !== card.files[card.model])
    refuse('thresholds-invalid', `they are for ${model.name} ${model.version}, this is ${card.name} ${card.version}`);
  for (const key of Object.keys(output))
    if (!Object.hasOwn(card.output, key)) refuse('thresholds-invalid', `the card of ${card.name} has no ${key}`);
  const changed = CardSchema.safeParse({ ...card, output: { ...card.output, ...output } });
  return changed.success ? changed.data : refuse('thresholds-invalid', changed.error.message.slice(0, 400));
}
