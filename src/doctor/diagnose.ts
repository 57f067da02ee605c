import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { LoadedConfig } from '../config/load/load';
import { messageOf, UsherError } from '../errors';
import { holdDaemonLock } from '../store/daemon-lock';
import { examineBroker } from './broker';
import { examineCameras } from './cameras';
import { examineDoors, examineLiveness, examineReaders } from './doors';
import { examineFiles } from './files';
import { examined, type Examination, type Finding, type Patient } from './finding';
import { examineClock, examineDisk, examineNode, examineService } from './machine';
import { examineMicrophones } from './microphones';
import { examineModels } from './models';
import { examineJournal, examineStore } from './store';

/** In order of dependence: a cause comes before its effects. */
const EXAMINATIONS: readonly (readonly [name: string, examination: Examination])[] = [
  ['node', examineNode],
  ['service', examineService],
  ['clock', examineClock],
  ['disk', examineDisk],
  ['file', examineFiles],
  ['models', examineModels],
  ['camera', examineCameras],
  ['microphone', examineMicrophones],
  ['store', examineStore],
  ['journal', examineJournal],
  ['door', examineDoors],
  ['liveness', examineLiveness],
  ['reader', examineReaders],
  ['broker', examineBroker],
];

/** Checks everything that the installation depends on, and changes nothing. */
export async function diagnose(
  loaded: LoadedConfig,
  options: { readonly probe: boolean },
  each: (finding: Finding) => void = () => undefined,
): Promise<Finding[]> {
  const patient: Patient = { loaded, daemon: runningDaemon(loaded.dataDir), probe: options.probe };
  const findings: Finding[] = [];
  for (const [name, examination] of EXAMINATIONS)
    for (const finding of await examined(name, examination, patient)) {
      findings.push(finding);
      each(finding);
    }
  return findings;
}

/** The daemon's lock shows whether it runs. Without a lock file no daemon ever ran, and none is created here. */
function runningDaemon(dataDir: string): Patient['daemon'] {
  if (!existsSync(join(dataDir, 'daemon-lock.db'))) return null;
  try {
    holdDaemonLock(dataDir).release();
    return null;
  } catch (error) {
    if (!(error instanceof UsherError) || error.code !== 'store-locked') return null;
    const [, pid] = /process (\d+) /.exec(messageOf(error)) ?? [];
    return pid === undefined ? 'unknown' : Number(pid);
  }
}
