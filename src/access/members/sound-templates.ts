import { type BrokenTemplate, type StoredTemplate } from '../../store/members/member';
import { l2Distance, vectorFault } from '../../store/members/vector';
import { strictDistance } from './adaption';
import { type EncoderFacts } from './thresholds';

/** Distance to the nearest of these templates; Infinity where there are none. */
export function nearestOf(vector: Float32Array, templates: readonly StoredTemplate[]): number {
  return Math.min(...templates.map((template) => l2Distance(vector, template.vector)));
}

/**
 * Separates templates that this encoder cannot have made, and adapted templates that are not near any enrolled picture
 * of the member: the member was enrolled again since, or an older version took the template without this check.
 */
export function sortTemplates(
  all: readonly StoredTemplate[],
  encoder: EncoderFacts,
): { readonly sound: readonly StoredTemplate[]; readonly faulty: readonly BrokenTemplate[] } {
  const enrolled = new Map<string, StoredTemplate[]>();
  for (const template of all)
    if (template.source !== 'adapted' && vectorFault(template.vector, encoder) === null)
      enrolled.set(template.member, [...(enrolled.get(template.member) ?? []), template]);
  const strict = all.some(({ source }) => source === 'adapted') ? strictDistance(encoder.thresholds, []) : 0;
  const faultOf = ({ source, member, vector }: StoredTemplate): string | null => {
    const fault = vectorFault(vector, encoder);
    if (fault !== null) return `it has ${fault}`;
    if (source !== 'adapted' || nearestOf(vector, enrolled.get(member) ?? []) <= strict) return null;
    return 'it was taken from an accepted face, but matches no enrolled picture';
  };
  const sound: StoredTemplate[] = [];
  const faulty: BrokenTemplate[] = [];
  for (const template of all) {
    const fault = faultOf(template);
    if (fault === null) sound.push(template);
    else faulty.push({ ...template, fault });
  }
  return { sound, faulty };
}
