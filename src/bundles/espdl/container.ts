import { UsherError } from '../../errors';
import { FlatTable } from './flat-table';

/**
 * The content of an ESP-DL model file. Container and slot numbers: `esp-dl/fbs_loader/espdl.fbs` of github.com/espressif/esp-dl,
 * which mirrors ONNX. Values are integers with a power-of-two scale: real = integer × 2^exponent.
 */
export interface EspdlModel {
  readonly nodes: readonly EspdlNode[];
  readonly initializers: ReadonlyMap<string, EspdlTensor>;
  /** Exponent of each activation, by name; one entry, or one per channel. */
  readonly exponents: ReadonlyMap<string, readonly number[]>;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
}

export interface EspdlNode {
  readonly name: string;
  readonly opType: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: ReadonlyMap<string, number | string | readonly number[]>;
}

export interface EspdlTensor {
  readonly name: string;
  readonly dims: readonly number[];
  readonly data: Int8Array | Int16Array | Int32Array;
  readonly exponents: readonly number[];
}

const MAGIC = 'EDL2';
const HEADER_BYTES = 16;
/** A few hundred nodes and tensors are usual; the largest vectors of tables or numbers that we follow. */
const MAX_ELEMENTS = 65_536;
/** Scales beyond 2^±64 are damage, not quantisation. */
const MAX_EXPONENT = 64;
const ATTRIBUTE = { float: 1, int: 2, string: 3, ints: 7 } as const;
const INTEGER_TYPES: Partial<
  Record<number, typeof Int8Array<ArrayBuffer> | typeof Int16Array<ArrayBuffer> | typeof Int32Array<ArrayBuffer>>
> = { 3: Int8Array, 5: Int16Array, 6: Int32Array };

/** @throws UsherError model-invalid: not this format, encrypted, truncated, or damaged inside. */
export function readEspdl(file: Uint8Array): EspdlModel {
  const graph = FlatTable.root(payloadOf(file), MAX_ELEMENTS).table(7);
  if (graph === null) throw invalid('the file holds no graph');
  const budget = { bytes: 2 * file.length };
  const valueInfos = [...graph.tables(4), ...graph.tables(5), ...graph.tables(6)];
  return {
    nodes: graph.tables(0).map(readNode),
    initializers: new Map(graph.tables(2).map((table) => named(readTensor(table, budget)))),
    exponents: new Map(valueInfos.map((info) => [info.string(0), readExponents(info.int64s(3), info.string(0))])),
    inputs: graph.tables(4).map((info) => info.string(0)),
    outputs: graph.tables(5).map((info) => info.string(0)),
  };
}

function payloadOf(file: Uint8Array): Uint8Array {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  if (file.length < HEADER_BYTES || Buffer.from(file.subarray(0, 4)).toString('latin1') !== MAGIC)
    throw invalid(`it does not begin with ${MAGIC}`);
  if (view.getUint32(4, true) !== 0) throw invalid('it is encrypted');
  const length = view.getUint32(8, true);
  if (HEADER_BYTES + length > file.length)
    throw invalid(`it is truncated: ${length} bytes announced, ${file.length - HEADER_BYTES} there`);
  return file.subarray(HEADER_BYTES, HEADER_BYTES + length);
}

function readNode(table: FlatTable): EspdlNode {
  return {
    inputs: table.strings(0),
    outputs: table.strings(1),
    name: table.string(2),
    opType: table.string(3),
    attributes: new Map(table.tables(5).map((attribute) => [attribute.string(0), attributeValue(attribute)])),
  };
}

function attributeValue(table: FlatTable): number | string | readonly number[] {
  const type = table.int32(3);
  switch (type) {
    case ATTRIBUTE.float:
      return table.float(4);
    case ATTRIBUTE.int:
      return table.int64(5);
    case ATTRIBUTE.string:
      return Buffer.from(table.bytes(6, 1)).toString('utf8');
    case ATTRIBUTE.ints:
      return table.int64s(11);
    default:
      throw invalid(`attribute ${table.string(0)} has the unsupported type ${type}`);
  }
}

function readTensor(table: FlatTable, budget: { bytes: number }): EspdlTensor {
  const name = table.string(6);
  const dims = table.int64s(0);
  const elements = INTEGER_TYPES[table.int32(1)];
  if (elements === undefined) throw invalid(`tensor ${name} has the unsupported type ${table.int32(1)}`);
  const count = dims.reduce((product, dim) => product * dim, 1);
  const raw = table.bytes(8, 16);
  const bytes = count * elements.BYTES_PER_ELEMENT;
  if (dims.some((dim) => dim < 1) || bytes > raw.length)
    throw invalid(`tensor ${name} [${dims.join(', ')}] does not fit its ${raw.length} bytes`);
  // Many entries of a small file may point at one large tensor.
  budget.bytes -= bytes;
  if (budget.bytes < 0) throw invalid('its tensors add up to more than the file can hold');
  // A copy, because the payload need not be aligned for its element type.
  const data = new elements(Uint8Array.from(raw.subarray(0, bytes)).buffer);
  return { name, dims, data, exponents: readExponents(table.int64s(13), name) };
}

function readExponents(exponents: readonly number[], name: string): readonly number[] {
  if (exponents.some((exponent) => Math.abs(exponent) > MAX_EXPONENT))
    throw invalid(`${name} has a scale of 2^${Math.max(...exponents.map(Math.abs))}`);
  return exponents;
}

function named<T extends { readonly name: string }>(value: T): [string, T] {
  return [value.name, value];
}

function invalid(what: string): UsherError {
  return new UsherError('model-invalid', `cannot read the ESP-DL model: ${what}`, { remedy: 'Fetch the file again.' });
}
