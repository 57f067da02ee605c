import { z } from 'zod';
import { messageOf, UsherError } from '../../errors';

/** One tensor as a tfjs `weights_manifest.json` describes it (tfjs-core, io/types.ts `WeightsManifestEntry`). */
const Entry = z.object({
  name: z.string().min(1),
  shape: z.array(z.number().int().positive()).min(1),
  dtype: z.literal('float32'),
  quantization: z.object({ dtype: z.literal('uint8'), scale: z.number(), min: z.number() }).optional(),
});
export type WeightEntry = z.infer<typeof Entry>;

const Manifest = z.tuple([z.object({ paths: z.tuple([z.string()]), weights: z.array(Entry).min(1) })]);

/**
 * The entries of a manifest with one group and one file, which is how this package ships its networks.
 * @throws UsherError model-invalid, naming `file` and the first bad keys.
 */
export function parseManifest(text: string, file: string): readonly WeightEntry[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    throw new UsherError('model-invalid', `${file} is not JSON: ${messageOf(error)}`, { cause: error });
  }
  const result = Manifest.safeParse(parsed);
  if (result.success) return result.data[0].weights;
  const problems = result.error.issues
    .slice(0, 20)
    .map((issue) => `${issue.path.join('.') || '(top)'}: ${issue.message}`);
  throw new UsherError('model-invalid', `${file}: ${problems.join('; ')}`);
}
