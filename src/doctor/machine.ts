import { existsSync, statSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { clockFloorFile, readClockFloor } from '../store/clock/clock-floor';
import { Journal } from '../store/journal/journal';
import { packageVersion } from '../system/paths';
import { type Examination, fail, type Finding, ok, type Patient, warn } from './finding';
import { runProgram } from './program';

/** SQLite needs free space to commit; the record of a decision is small. */
const DISK_FAIL_BYTES = 100 * 2 ** 20;
const DISK_WARN_BYTES = 1024 * 2 ** 20;
const INODES_WARN = 1000;
/** The same slack as in the daemon. */
const FLOOR_SLACK_MS = 2000;
const UNIT_FOLDERS = ['/etc/systemd/system', '/usr/lib/systemd/system', '/lib/systemd/system'];
/** The highest exposure (systemd-analyze) that the unit is designed for. */
const EXPOSURE_MAX = 2;

/** Checks the version of Node.js. */
export const examineNode: Examination = () => {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const found = `Node.js ${process.versions.node}, usher ${packageVersion()}, ${process.platform} ${process.arch}`;
  return major > 20 || (major === 20 && minor >= 9)
    ? [ok('node', found)]
    : [fail('node', found, 'Install Node.js 20.9 or later.')];
};

/** Unlocks, swipes and certificates are valid for a time. A wrong clock refuses valid ones or accepts old ones. */
export const examineClock: Examination = async (patient) => {
  const now = new Date();
  const findings: Finding[] = [];
  const floor = latestRecord(patient) ?? statSync(__filename).mtimeMs;
  if (now.getTime() < floor - 60_000)
    findings.push(
      fail(
        'clock:date',
        `it is ${now.toISOString()}, but ${new Date(floor).toISOString()} has already passed`,
        'Set the clock (timedatectl set-time), and give the box a time server and a battery for its clock.',
      ),
    );
  else findings.push(ok('clock:date', now.toISOString()));
  findings.push(examineFloor(patient, now.getTime()));
  const synchronised = await isSynchronised();
  if (synchronised === null)
    findings.push(
      warn(
        'clock:ntp',
        'neither timedatectl nor chronyc shows whether a time server sets it',
        'Set the clock with chrony or systemd-timesyncd.',
      ),
    );
  else if (synchronised) findings.push(ok('clock:ntp', 'set by a time server'));
  else
    findings.push(
      warn('clock:ntp', 'no time server sets it', 'timedatectl set-ntp true, and let the box reach a time server.'),
    );
  return findings;
};

/**
 * The daemon admits no person while the clock is behind the latest time that it trusted, even if that time was the
 * wrong one.
 */
function examineFloor({ loaded: { dataDir } }: Patient, now: number): Finding {
  const floor = readClockFloor(dataDir);
  if (now >= floor - FLOOR_SLACK_MS) return ok('clock:floor', 'not behind the latest time that this box trusted');
  return fail(
    'clock:floor',
    `no entry is granted: it is ${new Date(now).toISOString()}, but this box trusted ${new Date(floor).toISOString()} (${clockFloorFile(dataDir)})`,
    'Correct the clock (timedatectl). If it is correct now and was ahead before, run `usher clock accept` with today’s date.',
  );
}

function latestRecord({ loaded }: Patient): number | null {
  try {
    const journal = Journal.open(loaded.dataDir, { readonly: true });
    try {
      const { seq } = journal.head();
      for (const record of journal.records({ after: seq - 1 })) return record.at;
      return null;
    } finally {
      journal.close();
    }
  } catch {
    // A bad configuration is reported by its own check.
    return null;
  }
}

async function isSynchronised(): Promise<boolean | null> {
  const { code, stdout } = await runProgram('timedatectl', ['show', '-p', 'NTPSynchronized', '--value']);
  if (code === 0 && /^(yes|no)$/m.test(stdout)) return /^yes$/m.test(stdout);
  const chrony = await runProgram('chronyc', ['-n', 'tracking']);
  if (chrony.code !== 0) return null;
  return /^Leap status\s*:\s*Normal/m.test(chrony.stdout);
}

/** Checks free space and free inodes for the data folder. */
export const examineDisk: Examination = async ({ loaded }) => {
  const folder = existsSync(loaded.dataDir) ? loaded.dataDir : '/';
  const { bavail, bsize, ffree, files } = await statfs(folder);
  const free = bavail * bsize;
  const remedy = 'Free space there. Without it no person is admitted, since decisions cannot be recorded.';
  const text = `${(free / 2 ** 30).toFixed(1)} GiB free for ${loaded.dataDir}`;
  const space =
    free < DISK_FAIL_BYTES
      ? fail('disk:space', text, remedy)
      : free < DISK_WARN_BYTES
        ? warn('disk:space', text, remedy)
        : ok('disk:space', text);
  // Some file systems (btrfs) have no fixed number of inodes and report 0.
  if (files === 0) return [space];
  const inodes = `${ffree} more files can be created`;
  return [space, ffree < INODES_WARN ? warn('disk:inodes', inodes, remedy) : ok('disk:inodes', inodes)];
};

/** Checks the systemd unit: installed, running, watchdog, exposure. */
export const examineService: Examination = async () => {
  const install = 'Install usher as a service that always restarts: sudo scripts/install-service';
  if (!existsSync('/run/systemd/system'))
    return [warn('service', 'systemd is not running', 'Let another supervisor restart usher when it ends.')];
  const properties = ['-p', 'LoadState,ActiveState,NRestarts,WatchdogUSec'];
  const shown = await runProgram('systemctl', ['show', 'usher.service', ...properties]);
  // Without a message bus only root may query systemd, over its own socket.
  if (shown.code !== 0)
    return UNIT_FOLDERS.some((folder) => existsSync(`${folder}/usher.service`))
      ? [ok('service', 'usher.service is installed; this account cannot query its state')]
      : [warn('service', 'there is no usher.service', install)];
  const facts = new Map(
    shown.stdout.split('\n').map((line) => [line.split('=')[0], line.slice(line.indexOf('=') + 1)]),
  );
  if (facts.get('LoadState') !== 'loaded') return [warn('service', 'there is no usher.service', install)];
  const state = facts.get('ActiveState') ?? 'unknown';
  const text = `usher.service is ${state}, restarted ${facts.get('NRestarts') ?? '?'} times, watchdog ${facts.get('WatchdogUSec') ?? 'off'}`;
  const service =
    state === 'active'
      ? ok('service', text)
      : warn('service', text, 'See why with journalctl -u usher, then systemctl start usher.');
  const analysed = await runProgram('systemd-analyze', ['security', '--no-pager', 'usher.service'], 15_000);
  const [, exposure] = /Overall exposure level for \S+: (\d+(?:\.\d+)?)/.exec(analysed.stdout) ?? [];
  if (exposure === undefined) return [service];
  const sandbox = `exposure ${exposure} (systemd-analyze security)`;
  return [
    service,
    Number(exposure) <= EXPOSURE_MAX ? ok('service:sandbox', sandbox) : warn('service:sandbox', sandbox, install),
  ];
};
