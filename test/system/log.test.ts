import { createLog, type LogOptions } from '../../src/system/log';

const lines = (options: Partial<LogOptions>, use: (log: ReturnType<typeof createLog>) => void): string[] => {
  const written: string[] = [];
  use(
    createLog({
      level: 'info',
      format: 'text',
      write: (line) => written.push(line),
      now: () => new Date(0),
      ...options,
    }),
  );
  return written;
};

test('a line an event, with its part and fields', () => {
  expect(lines({}, (log) => log.child('door').info('granted', { door: 'front', votes: 3 }))).toEqual([
    '1970-01-01T00:00:00.000Z info  door: granted door=front votes=3\n',
  ]);
});

test('below the level nothing is written', () => {
  expect(lines({ level: 'warn' }, (log) => (log.info('a'), log.debug('b'), log.warn('c')))).toHaveLength(1);
});

test('what comes from outside cannot forge a line', () => {
  const [line] = lines({}, (log) => log.warn('refused', { topic: 'a\n1970 info door: granted\u001b[2J' }));
  expect(line?.trimEnd().split('\n')).toHaveLength(1);
  expect(line).not.toContain('\u001b');
});

test('JSON is one object a line', () => {
  const [line] = lines({ format: 'json' }, (log) => log.error('x\ny', { a: null }));
  expect(JSON.parse(line!)).toEqual({
    time: '1970-01-01T00:00:00.000Z',
    level: 'error',
    part: 'usher',
    message: 'x\ny',
    a: null,
  });
});
