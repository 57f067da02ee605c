import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { checkMembers, type MemberProblem } from '../access/members/members-check';
import { Roster } from '../access/members/roster';
import { UsherError } from '../errors';
import { Journal } from '../store/journal/journal';
import { ChainCheck } from '../store/journal/journal-chain';
import { boxKeySource } from '../store/keys/source';
import { savedSweepState } from '../store/retention/retention';
import { Store } from '../store/store';
import { sweepTrouble } from '../store/retention/sweep-text';
import { credentialsDirectory } from '../system/environment';
import { installedModels } from '../fleet/update/installed';
import { chooseModels, readEncoderCard } from '../vision/faces/load';
import { type Examination, fail, failedBecause, type Finding, ok, type Patient, warn } from './finding';

const BACKUP = 'Restore a backup, or move the file away and enrol the members again.';
const DISK = 'Check the disk and the owner of the data folder.';

/** Checks the members' data: undamaged, of a known schema, its key available, usable with the running encoder. */
export const examineStore: Examination = async (patient) => {
  const { dataDir } = patient.loaded;
  if (!existsSync(join(dataDir, 'usher.db')))
    return [warn('store', `no member is enrolled in ${dataDir} yet`, 'Enrol a member: usher enroll --config FILE')];
  let store: Store;
  try {
    store = open(patient);
  } catch (error) {
    return [isForTheServiceAlone(patient, error) ? NOT_HERE : failedBecause('store', error, DISK)];
  }
  try {
    const members = store.members.activeIds().length;
    const faults = store.check.integrity();
    if (faults[0] !== undefined) return [fail('store', `${store.file} is damaged (${faults[0]})`, BACKUP)];
    return [
      ok('store', `${store.file} is undamaged; ${members} active members`),
      ...agreement(store),
      ...retention(store),
      ...(await templates(patient, store)),
    ];
  } finally {
    store.close();
  }
};

const NOT_HERE = warn(
  'store',
  'its key is a credential that only the service gets from systemd, so the members’ data was not checked',
  'Run doctor with the credential: systemd-run --pty --wait -p User=usher -p LoadCredential=usher-box-key:/etc/usher/box.key usher doctor --config FILE',
);

/** A command run by hand has no credential. Then it is correct that the store cannot be opened. */
function isForTheServiceAlone({ loaded: { config } }: Patient, error: unknown): boolean {
  return (
    error instanceof UsherError &&
    error.code === 'key-unusable' &&
    config.security.boxKey.source === 'credential' &&
    credentialsDirectory() === null
  );
}

function open({ loaded: { config, dataDir, file } }: Patient): Store {
  const { boxKey } = config.security;
  const keyFile = boxKey.file === undefined ? undefined : resolve(dirname(file), boxKey.file);
  const journal = existsSync(join(dataDir, 'journal.db')) ? Journal.open(dataDir, { readonly: true }) : undefined;
  return Store.open(dataDir, {
    readonly: true,
    ...(journal === undefined ? {} : { ledger: journal }),
    boxKey: boxKeySource({ source: boxKey.source, file: keyFile }, { dataDir, credentialsDir: credentialsDirectory() }),
  });
}

function agreement(store: Store): Finding[] {
  try {
    store.requireAgreed();
    return [];
  } catch (error) {
    return [failedBecause('store:journal', error, DISK)];
  }
}

function retention(store: Store): Finding[] {
  const state = savedSweepState(store);
  const trouble = state === null ? null : sweepTrouble(state);
  return trouble === null ? [] : [warn('store:retention', trouble.detail, trouble.remedy)];
}

async function templates({ loaded }: Patient, store: Store): Promise<Finding[]> {
  const { encoder } = await chooseModels(loaded.modelsDir, {
    ...loaded.config.models,
    ...(await installedModels(loaded.dataDir)),
  });
  const { output } = await readEncoderCard(loaded.modelsDir, encoder);
  const roster = new Roster(store, output);
  roster.load();
  const problems = checkMembers(store, output);
  if (problems.length > 0) return [damagedMembers(problems)];
  const without = roster.withoutTemplate();
  return without === 0
    ? [ok('store:templates', `${roster.size} members can be recognised by ${encoder}`)]
    : [
        warn(
          'store:templates',
          `${without} active members have no template for ${encoder} and are never recognised`,
          'Enrol them again (usher enroll), or return to the encoder that they were enrolled for (models.encoder).',
        ),
      ];
}

function damagedMembers(problems: readonly MemberProblem[]): Finding {
  const members = [...new Set(problems.map(({ member }) => member))];
  return fail(
    'store:members',
    `the stored data of ${members.slice(0, 10).join(', ')}${members.length > 10 ? ', …' : ''} is damaged: ${problems[0]?.fault ?? ''}`,
    'usher members check lists all damage, usher members repair deletes it; then enrol these members again.',
  );
}

/** Checks every link of the journal's chain. */
export const examineJournal: Examination = ({ loaded: { dataDir } }) => {
  if (!existsSync(join(dataDir, 'journal.db'))) return [ok('journal', 'none yet; the first start creates it')];
  let journal: Journal;
  try {
    journal = Journal.open(dataDir, { readonly: true });
  } catch (error) {
    return [failedBecause('journal', error, DISK)];
  }
  try {
    const check = new ChainCheck();
    for (const record of journal.records()) check.next(record);
    check.end();
    const [first] = check.findings;
    if (first === undefined) return [ok('journal', `${check.head.seq} records, an unbroken chain`)];
    return [
      fail(
        'journal',
        `${check.findings.length} places were changed after they were written, the first at record ${first.from} (${first.fault})`,
        'usher audit verify lists them all. Keep the file and its backups unchanged, and find out who had access.',
      ),
    ];
  } finally {
    journal.close();
  }
};
