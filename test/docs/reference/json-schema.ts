/** The part of JSON Schema that zod writes for our schemas, and how a reader sees it. */
export interface JsonSchema {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly examples?: readonly unknown[];
  readonly unit?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly format?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly items?: JsonSchema;
  readonly additionalProperties?: JsonSchema | boolean;
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
}

/** The last moment that a JavaScript date can hold: the upper bound of every time in milliseconds. */
const LATEST_DATE = 8.64e15;

/** What a key's name says about its unit, longest ending first. */
const UNITS: readonly (readonly [ending: RegExp, unit: string])[] = [
  [/KbitPerSecond$/, 'kbit/s'],
  [/Seconds$/, 'seconds'],
  [/(^m|M)inutes$/, 'minutes'],
  [/Hours$/, 'hours'],
  [/Days$/, 'days'],
  [/Ms$/, 'milliseconds'],
  [/Px$/, 'pixels'],
  [/Deg$/, 'degrees'],
  [/MiB$/, 'MiB'],
  [/Mb$/, 'MB'],
  [/Dbfs$/, 'dB of full scale'],
];

/** @returns null where the name of the key says none; `none` where there is none */
export function unitOf(key: string, schema: JsonSchema): string | null {
  return schema.unit ?? UNITS.find(([ending]) => ending.test(key))?.[1] ?? null;
}

/** The alternatives of a schema, or itself where it has none. `null` is left out. */
export function variantsOf(schema: JsonSchema): readonly JsonSchema[] {
  return (schema.oneOf ?? schema.anyOf ?? [schema]).filter(({ type }) => type !== 'null');
}

export function isNullable(schema: JsonSchema): boolean {
  return schema.anyOf?.some(({ type }) => type === 'null') ?? false;
}

/** Whether a key takes any number of a range, not one of a few. */
export function isNumber(schema: JsonSchema): boolean {
  return variantsOf(schema).some(({ type, ...one }) => /^(number|integer)$/.test(type ?? '') && !hasChoices(one));
}

const hasChoices = (schema: JsonSchema): boolean => schema.enum !== undefined || schema.const !== undefined;

/** The object that a key holds, lists or maps, with how its path goes on. */
export function nestedOf(
  schema: JsonSchema,
): { readonly step: string; readonly objects: readonly JsonSchema[] } | null {
  const variants = variantsOf(schema);
  if (variants.some(({ properties }) => properties !== undefined)) return { step: '', objects: variants };
  const [only] = variants;
  const [step, inner] = only?.items === undefined ? ['.NAME', only?.additionalProperties] : ['[]', only.items];
  if (inner === undefined || typeof inner === 'boolean') return null;
  const deeper = nestedOf(inner);
  return deeper === null ? null : { step: step + deeper.step, objects: deeper.objects };
}

/** The type in words: `whole number, 0 to 60`, `auto, left or right`. */
export function typeOf(schema: JsonSchema): string {
  const text = plainTypeOf(schema);
  return isNullable(schema) ? `${text}, or null` : text;
}

function plainTypeOf(schema: JsonSchema): string {
  const variants = variantsOf(schema);
  const choices = variants.flatMap((variant) => variant.enum ?? (variant.const === undefined ? [] : [variant.const]));
  if (choices.length > 0) return choicesText(choices);
  const [only] = variants;
  if (only === undefined) return 'nothing';
  if (only.items !== undefined) return `list of ${pluralOf(only.items)}${countOf(only)}`;
  if (typeof only.additionalProperties === 'object' && only.properties === undefined)
    return `map from names to ${pluralOf(only.additionalProperties)}`;
  if (only.maximum === LATEST_DATE) return 'time';
  if (only.type === 'integer' || only.type === 'number') return numberText(only);
  if (only.type === 'boolean') return 'true or false';
  if (only.type === 'string') return only.format === 'ipv4' ? 'IP address' : 'text';
  return only.type ?? 'anything';
}

function numberText(only: JsonSchema): string {
  const kind = only.type === 'integer' ? 'whole number' : 'number';
  const least = only.minimum ?? only.exclusiveMinimum;
  const from = only.minimum === undefined && least !== undefined ? `above ${least}` : least?.toString();
  const limited = only.maximum !== undefined && Math.abs(only.maximum) < Number.MAX_SAFE_INTEGER;
  const range = [
    ...(from === undefined || (!limited && least === 0) ? [] : [limited ? from : `at least ${from}`]),
    ...(limited ? [from === undefined ? `at most ${only.maximum}` : `to ${only.maximum}`] : []),
  ].join(' ');
  return range === '' ? kind : `${kind}, ${range}`;
}

function pluralOf(schema: JsonSchema): string {
  const variants = variantsOf(schema);
  const choices = variants.flatMap((variant) => variant.enum ?? (variant.const === undefined ? [] : [variant.const]));
  if (choices.length > 0) return choicesText(choices);
  const [only] = variants;
  if (only?.items !== undefined) return `lists of ${pluralOf(only.items)}`;
  return only?.type === 'object' || only?.properties !== undefined ? 'objects' : 'texts';
}

function countOf({ minItems, maxItems }: JsonSchema): string {
  if (minItems !== undefined && maxItems !== undefined) return `, ${minItems} to ${maxItems}`;
  return maxItems === undefined ? '' : `, up to ${maxItems}`;
}

function choicesText(choices: readonly unknown[]): string {
  const shown = choices.map((choice) => code(choice));
  return shown.length < 2 ? shown.join('') : `${shown.slice(0, -1).join(', ')} or ${shown.at(-1) ?? ''}`;
}

/** A value as one writes it into YAML or JSON. */
export function code(value: unknown): string {
  return `\`${typeof value === 'string' && value !== '' ? value : JSON.stringify(value)}\``;
}
