import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { packageRoot } from '../../src/system/paths';

/** A process that listens as the daemon does, says what it hears, and stays until it is hurried. */
const LISTENER = `
const { listenForStop } = require(${JSON.stringify(join(packageRoot(), 'dist', 'system', 'signals.js'))});
const stop = listenForStop();
const stay = setInterval(() => undefined, 1000);
stop.asked.addEventListener('abort', () => process.stdout.write('asked ' + stop.asked.reason + '\\n'));
stop.hurried.addEventListener('abort', () => { process.stdout.write('hurried ' + stop.hurried.reason + '\\n'); clearInterval(stay); });
process.stdout.write('listening\\n');
`;

test('signals that come together are one request; a later one is a person in a hurry', async () => {
  const child = spawn(process.execPath, ['-e', LISTENER], { stdio: ['ignore', 'pipe', 'inherit'] });
  let heard = '';
  child.stdout.on('data', (chunk: Buffer) => (heard += chunk.toString()));
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const hears = async (text: string): Promise<void> => {
    while (!heard.includes(text)) await new Promise((resolve) => setTimeout(resolve, 10));
  };
  await hears('listening');
  child.kill('SIGTERM');
  await hears('asked SIGTERM');
  child.kill('SIGINT');
  await new Promise((resolve) => setTimeout(resolve, 1500));
  expect(heard).toBe('listening\nasked SIGTERM\n');
  child.kill('SIGINT');
  expect(await ended).toBe(0);
  expect(heard).toBe('listening\nasked SIGTERM\nhurried SIGINT\n');
}, 30_000);
