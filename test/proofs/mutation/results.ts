import { type Numbered, type Plan } from './plan';
import { argumentFor, keyOf } from './argued';
import { readKept, writeKept } from './kept';

/** `unreached`: no test comes by; it survives without a trial. */
export type Status = 'killed' | 'timeout' | 'survived' | 'unreached';

export interface Verdict {
  readonly status: Status;
  /** The test file that killed it, and the test. */
  readonly by: string | null;
  readonly test: string | null;
}

interface Kill {
  readonly status: 'killed' | 'timeout';
  readonly by: string;
  readonly test: string | null;
  /** Of the mutant's file and of the test file. */
  readonly source: string;
  readonly hash: string;
}

/** What trials of one mutant have found. */
interface Known {
  readonly kill?: Kill;
  /** Test files that it survived, with their hashes. */
  readonly survived?: Readonly<Record<string, string>>;
}

const NAME = 'results';

/**
 * Results of earlier runs, also of those that were stopped. A kill holds as long as the mutant's file and the test file are
 * unchanged; after a change it says which test to run first. That a mutant survived a test file holds as long as the declaration
 * around the mutant and the test file are unchanged.
 */
export class Results {
  private known: Readonly<Record<string, Known>> = {};
  /** By this run. */
  private readonly noted: Record<string, Known> = {};

  constructor(
    private readonly plan: Plan,
    /** Where they are kept. */
    private readonly folder: string,
  ) {}

  load(): void {
    this.known = (readKept(this.folder, NAME) ?? {}) as Record<string, Known>;
  }

  save(): void {
    // Another run may have written meanwhile.
    writeKept(this.folder, NAME, { ...(readKept(this.folder, NAME) as Record<string, Known> | null), ...this.noted });
  }

  /** A kill that still holds. */
  find(mutant: Numbered): Verdict | null {
    const kill = this.killOf(mutant);
    if (kill === undefined) return null;
    if (kill.source !== this.hashOf(mutant.file) || kill.hash !== this.hashOf(kill.by)) return null;
    return { status: kill.status, by: kill.by, test: kill.test };
  }

  /** The test that killed it before something changed. */
  hint(mutant: Numbered): { readonly by: string; readonly test: string | null } | null {
    return this.killOf(mutant) ?? null;
  }

  survived(mutant: Numbered, test: string): boolean {
    return this.of(keyOfMutant(mutant))?.survived?.[test] === this.hashOf(test);
  }

  noteKill(mutant: Numbered, status: Kill['status'], by: string, test: string | null): void {
    const kill = { ...{ status, by, test }, source: this.hashOf(mutant.file), hash: this.hashOf(by) };
    this.noted[keyOfMutant(mutant)] = { kill };
  }

  noteSurvival(mutant: Numbered, test: string): void {
    const key = keyOfMutant(mutant);
    const before = this.of(key);
    this.noted[key] = { ...before, survived: { ...before?.survived, [test]: this.hashOf(test) } };
  }

  private killOf(mutant: Numbered): Kill | undefined {
    return this.of(keyOfMutant(mutant))?.kill;
  }

  private of(key: string): Known | undefined {
    return this.noted[key] ?? this.known[key];
  }

  private hashOf(file: string): string {
    return this.plan.hashes.get(file) ?? '';
  }
}

/** The mutant within its declaration, wherever that stands and whether or not others may use it: code moves. */
function keyOfMutant(mutant: Numbered): string {
  const around = mutant.around.replace(/^export /, '');
  return keyOf({ ...argumentFor({ ...mutant, around }), file: '' });
}
