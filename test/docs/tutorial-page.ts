/** A step of a tutorial, as its page shows it. `line` is where it stands, from 1. */
export type Step =
  /** A file that the reader saves. */
  | { readonly kind: 'write'; readonly line: number; readonly file: string; readonly text: string }
  /** Commands that end. */
  | { readonly kind: 'run'; readonly line: number; readonly script: string }
  /** One command that goes on in a second terminal. */
  | { readonly kind: 'start'; readonly line: number; readonly command: string }
  /** The reader waits until a terminal shows this. */
  | { readonly kind: 'wait'; readonly line: number; readonly text: string }
  /** Needs what a test machine has not: hardware, the right to install packages, minutes of time. */
  | { readonly kind: 'skip'; readonly line: number; readonly reason: string };

interface Marker {
  readonly word: string;
  readonly rest: string;
}

const MARKER = /^<!-- test: (write|second terminal|not run|wait for)(?:[:]? (.+?))? -->$/;
const FENCE = /^(\s*)```(\S*)/;
/** Languages in which a reader could take a block for commands. */
const COMMANDS = ['sh', 'bash', 'shell', 'console', 'zsh', ''];

/**
 * The steps of a page in order. A block of commands is run as it stands, unless the line above it is a marker:
 *
 *     <!-- test: write FILE -->        the block below is saved as FILE
 *     <!-- test: second terminal -->   the command below is started and goes on
 *     <!-- test: not run: REASON -->   the block below is left out, and counted
 *     <!-- test: wait for "TEXT" -->   stands by itself
 *
 * @throws Error that names the line of a marker or block that does not fit
 */
export function stepsOf(page: string): Step[] {
  const lines = page.split('\n');
  const steps: Step[] = [];
  let marker: Marker | null = null;
  for (let i = 0; i < lines.length; i++) {
    const text = (lines[i] ?? '').trim();
    const line = i + 1;
    const found = MARKER.exec(text);
    if (found !== null) {
      const next = { word: found[1] ?? '', rest: found[2] ?? '' };
      if (next.word === 'wait for') steps.push({ kind: 'wait', line, text: quoted(next.rest, line) });
      else marker = next;
      continue;
    }
    if (text.startsWith('<!-- test')) throw new Error(`line ${line}: no marker of a tutorial: ${text}`);
    const fence = FENCE.exec(lines[i] ?? '');
    if (fence === null) {
      if (marker !== null && text !== '') throw new Error(`line ${line}: a block must follow the marker above`);
      continue;
    }
    const indent = fence[1] ?? '';
    const end = lines.findIndex((other, at) => at > i && other.trim() === '```');
    if (end < 0) throw new Error(`line ${line}: this block has no end`);
    const body = lines
      .slice(i + 1, end)
      .map((other) => (other.startsWith(indent) ? other.slice(indent.length) : other));
    const step = stepOf(fence[2] ?? '', body, marker, line);
    if (step !== null) steps.push(step);
    marker = null;
    i = end;
  }
  return steps;
}

function stepOf(language: string, body: readonly string[], marker: Marker | null, line: number): Step | null {
  const text = `${body.join('\n')}\n`;
  if (marker?.word === 'write') return { kind: 'write', line, file: named(marker.rest, line), text };
  if (!COMMANDS.includes(language)) {
    if (marker !== null) throw new Error(`line ${line}: "${marker.word}" is for a block of commands`);
    return null;
  }
  if (language !== 'sh') throw new Error(`line ${line}: a block of commands is marked sh, output is marked text`);
  if (marker === null) return { kind: 'run', line, script: text };
  if (marker.word === 'not run') return { kind: 'skip', line, reason: named(marker.rest, line) };
  const [command, ...more] = body.filter((each) => each.trim() !== '');
  if (command === undefined || more.length > 0) throw new Error(`line ${line}: a second terminal gets one command`);
  return { kind: 'start', line, command };
}

function named(rest: string, line: number): string {
  if (rest === '') throw new Error(`line ${line}: the marker lacks its file or reason`);
  return rest;
}

function quoted(rest: string, line: number): string {
  const text = /^"(.+)"$/.exec(rest)?.[1];
  if (text === undefined) throw new Error(`line ${line}: what to wait for stands in quotes`);
  return text;
}
