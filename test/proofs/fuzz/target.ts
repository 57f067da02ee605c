import { UsherError } from '../../../src/errors';
import type { Form } from './mutate';

/** One inbound parser under attack. */
export interface Target {
  readonly name: string;
  readonly form: Form;
  /** Inputs that are good, or nearly; made once a process. */
  seeds(): Promise<readonly Buffer[]> | readonly Buffer[];
  /** Gives the input to the parser. What it throws must be an error that a person can act on. */
  feed(input: Buffer): unknown;
  /** Errors beside UsherError that the parser documents. */
  readonly documented?: (error: unknown) => boolean;
  /** CPU time that one input may take, and memory that the process may hold beyond what it held before the first. */
  readonly cpuMs?: number;
  readonly memoryMiB?: number;
}

export const DEFAULT_CPU_MS = 1500;
export const DEFAULT_MEMORY_MIB = 320;

export function isProper(target: Target, error: unknown): boolean {
  return error instanceof UsherError || target.documented?.(error) === true;
}

export const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
