/** A fault between keys that are each well-formed: a name used twice, or one that names nothing. */
export interface ReferenceFault {
  readonly path: readonly (string | number)[];
  readonly message: string;
}
