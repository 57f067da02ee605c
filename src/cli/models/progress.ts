import type { BuildProgress } from '../../bundles/face-api/build';
import type { PullProgress } from '../../bundles/catalog/pull';
import { createProgress, type Progress } from '../../terminal/progress';

/** Shows a bar on a terminal, and everywhere one line for each finished file. */
export class ModelsReporter {
  private readonly bar: Progress;

  constructor(private readonly stream: { readonly isTTY?: boolean; write(text: string): unknown }) {
    this.bar = createProgress(stream);
  }

  readonly onPull = ({ name, phase, received, total }: PullProgress): void => {
    switch (phase) {
      case 'fetching':
        return this.bar.update(`${name}, ${megabytes(total)} MB`, received / total);
      case 'installing':
        return this.bar.update(`${name}: checking and installing`, 1);
      case 'present':
        return this.line(`${name}: already installed`);
      case 'installed':
        return this.line(`${name}: installed (${megabytes(total)} MB)`);
    }
  };

  readonly onBuild = ({ done, total, bundle }: BuildProgress): void => {
    if (bundle !== null) this.line(`${bundle}: built`);
    if (done < total) this.bar.update('building the fallback set', done / total);
  };

  /** Ends the bar's line, so that the next output starts on a new one. */
  end(): void {
    this.bar.done();
  }

  private line(text: string): void {
    this.bar.done();
    this.stream.write(`${text}\n`);
  }
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}
