import { join } from 'node:path';
import { isMeasured } from '../access/members/thresholds';
import { type ContactConfig, isSecured, type ReaderConfig } from '../config/schema/readers';
import { installedModels } from '../fleet/update/installed';
import { readCard } from '../inference/bundle';
import { chooseModels, readEncoderCard } from '../vision/faces/load';
import { type Examination, fail, type Finding, ok, warn } from './finding';
import { isInstalled } from './program';

/** Checks whether the encoder was ever measured at the false-match rate that a door requires. */
export const examineDoors: Examination = async ({ loaded: { config, dataDir, modelsDir } }) => {
  const { encoder } = await chooseModels(modelsDir, { ...config.models, ...(await installedModels(dataDir)) });
  const { output } = await readEncoderCard(modelsDir, encoder);
  // A row without a miss rate was extrapolated, not measured.
  const measured = output.thresholds.filter(({ fnmr }) => fnmr !== null);
  return config.doors.map(({ id, targetFmr, mode }) => {
    const reached = [...measured].sort((a, b) => a.fmr - b.fmr).find(({ fmr }) => fmr >= targetFmr);
    const wanted = `a false-match rate of ${targetFmr} (${mode})`;
    if (isMeasured(measured, targetFmr))
      return ok(
        `door:${id}`,
        `${wanted}; ${encoder} missed ${(100 * (reached?.fnmr ?? 0)).toFixed(2)} % at ${reached?.fmr ?? targetFmr} on ${reached?.measuredOn ?? 'its data'}`,
      );
    const lowest = Math.min(1, ...measured.map(({ fmr }) => fmr));
    return warn(
      `door:${id}`,
      `${wanted}, but ${encoder} was measured down to ${lowest} only: the threshold is extrapolated`,
      `Set ${lowest} or more, or measure further with \`usher eval faces\`.`,
    );
  });
};

/** Checks whether the liveness that the doors require can be measured. */
export const examineLiveness: Examination = async ({ loaded: { config, modelsDir } }) => {
  const name = config.models.liveness;
  const installed = await readCard(join(modelsDir, name)).then(
    () => true,
    () => false,
  );
  return config.doors.flatMap(({ id, mode, liveness }) => {
    const check = `liveness:${id}`;
    const asked = liveness.mode === 'auto' ? 'advise (auto)' : liveness.mode;
    if (liveness.mode === 'off')
      return mode === 'verify'
        ? []
        : [
            warn(
              check,
              'off, and a face alone opens this door: so does a photograph',
              'Set liveness.mode to require, or the door’s mode to verify.',
            ),
          ];
    if (installed && liveness.mode === 'require') return [ok(check, `${asked}, by ${name}`)];
    if (!installed && liveness.mode === 'require')
      return [
        fail(
          check,
          `${asked}, and ${name} is not installed: no face opens this door`,
          `Run: usher models pull ${name}`,
        ),
      ];
    if (mode === 'verify')
      return [ok(check, installed ? `${asked}, by ${name}` : `${asked}, but ${name} is not installed`)];
    return [
      warn(
        check,
        `${asked}: a face alone opens, and a face that looks like a picture is reported, not refused`,
        installed
          ? 'Set liveness.mode to require.'
          : `Run: usher models pull ${name}, and set liveness.mode to require.`,
      ),
    ];
  });
};

/**
 * Checks how swipes and contacts arrive: whether a person could forge them, and whether the needed programs are
 * installed.
 */
export const examineReaders: Examination = async ({ loaded: { config } }) => {
  const findings: Finding[] = [];
  const known = new Map(config.readers.map((reader) => [reader.id, reader]));
  const names = new Set(config.doors.flatMap(({ readers }) => readers));
  for (const id of names) findings.push(forgeable(`reader:${id}`, known.get(id)));
  for (const contact of config.contacts) findings.push(forgeable(`contact:${contact.door}`, contact));
  const programs = new Map<string, string>();
  for (const { source } of config.readers) {
    if (source.type === 'evdev' && source.grab) programs.set('evtest', 'evtest');
    if (source.type === 'serial') programs.set('stty', 'coreutils');
  }
  if (config.contacts.some(({ source }) => source.type === 'gpio')) programs.set('gpiomon', 'gpiod');
  for (const [program, debian] of programs)
    findings.push(
      (await isInstalled(program))
        ? ok(`program:${program}`, 'installed')
        : warn(`program:${program}`, 'not installed', `apt-get install ${debian}`),
    );
  return findings;
};

function forgeable(check: string, source: ReaderConfig | ContactConfig | undefined): Finding {
  const type = source?.source.type ?? 'mqtt';
  if (source !== undefined && isSecured(source)) return ok(check, `on ${type}, each message with a MAC`);
  if (type !== 'mqtt') return ok(check, `on ${type}, attached to this box`);
  return warn(
    check,
    'on MQTT without a key: any client that may publish on its topic can present any card',
    'Give it a key (usher reader key new FILE; then readers: keyFile), and give the broker the rules in device-config/mosquitto.',
  );
}
