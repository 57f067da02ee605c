import { secrets } from '../secrets';

export type LogLevel = 'error' | 'warn' | 'info' | 'debug';
export type LogFields = Readonly<Record<string, string | number | boolean | null>>;

/** Fields are only scalars, so that no vector, picture or object with a name in it can get into a log. */
export interface Log {
  error(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  debug(message: string, fields?: LogFields): void;
  /** The same log, whose lines carry the name of this part. */
  child(part: string): Log;
}

const RANK: Record<LogLevel, number> = { error: 0, warn: 1, info: 2, debug: 3 };

export interface LogOptions {
  readonly level: LogLevel;
  readonly format: 'text' | 'json';
  readonly write: (line: string) => void;
  readonly now?: () => Date;
}

/** One line an event: JSON for collectors, text for people and the systemd journal. */
export function createLog(options: LogOptions, part = 'usher'): Log {
  const { level, format, write, now = () => new Date() } = options;
  const emit = (at: LogLevel, message: string, fields: LogFields = {}): void => {
    if (RANK[at] > RANK[level]) return;
    const time = now().toISOString();
    const [text, shown] = [secrets.hide(message), withoutSecrets(fields)];
    write(
      format === 'json'
        ? `${JSON.stringify({ time, level: at, part, message: text, ...shown })}\n`
        : `${time} ${at.padEnd(5)} ${part}: ${oneLine(text)}${Object.entries(shown)
            .map(([key, value]) => ` ${key}=${oneLine(String(value))}`)
            .join('')}\n`,
    );
  };
  return {
    error: (message, fields) => emit('error', message, fields),
    warn: (message, fields) => emit('warn', message, fields),
    info: (message, fields) => emit('info', message, fields),
    debug: (message, fields) => emit('debug', message, fields),
    child: (name) => createLog(options, name),
  };
}

function withoutSecrets(fields: LogFields): LogFields {
  return Object.fromEntries(
    Object.entries(fields).map(([key, value]) => [key, typeof value === 'string' ? secrets.hide(value) : value]),
  );
}

/** Control characters from outside (a topic, a device name) must not forge log lines. */
function oneLine(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f]+/g, ' ');
}
