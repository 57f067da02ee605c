import { Command } from 'commander';
import { diagnose } from '../../doctor/diagnose';
import { takeReferences } from '../../doctor/camera-reference';
import type { Finding } from '../../doctor/finding';
import { doctorLatency, type LatencyCommand } from './latency';
import { type InstallationOptions, loadInstallation, withInstallationOptions } from '../../terminal/installation';

const MARKS = { ok: 'ok  ', warn: 'WARN', fail: 'FAIL' } as const;

export function doctorCommand(): Command {
  const command = withInstallationOptions(new Command('doctor'))
    .description('check everything that this installation depends on; exit code 1 if a check fails')
    .option('--probe', 'test the broker with this box’s credentials even while the daemon is connected')
    .option(
      '--reference',
      'store the present view of each camera, to detect later that it was moved or is out of focus',
    )
    .option('--latency', 'measure the delay of a camera: you cover its lens when the program asks you to')
    .option('--camera <id>', 'with --latency: measure only this camera')
    .option('--flash', 'with --latency: point the camera at this terminal, which flashes')
    .option('--json', 'write JSON');
  return command.action(async () => {
    const options = command.opts<
      InstallationOptions & { probe?: boolean; reference?: boolean; latency?: boolean } & LatencyCommand
    >();
    const loaded = await loadInstallation(options);
    if (options.latency === true) {
      await doctorLatency(loaded, options);
      return;
    }
    if (options.reference === true) {
      await takeReferences(loaded, (camera, file) => process.stdout.write(`${camera}: view stored in ${file}\n`));
      return;
    }
    const json = options.json === true;
    const show = (finding: Finding): void => {
      if (!json) process.stdout.write(findingText(finding));
    };
    const findings = await diagnose(loaded, { probe: options.probe === true }, show);
    summarise(loaded.file, findings, json);
  });
}

/** Prints all findings together. */
export function reportFindings(file: string, findings: readonly Finding[], json: boolean): void {
  if (!json) for (const finding of findings) process.stdout.write(findingText(finding));
  summarise(file, findings, json);
}

function summarise(config: string, findings: readonly Finding[], json: boolean): void {
  const count = (state: Finding['state']): number => findings.filter((finding) => finding.state === state).length;
  const summary = { ok: count('ok'), warn: count('warn'), fail: count('fail') };
  process.stdout.write(
    json
      ? `${JSON.stringify({ config, ...summary, findings }, null, 2)}\n`
      : `${summary.ok} ok, ${summary.warn} warnings, ${summary.fail} failures\n`,
  );
  // Native libraries may keep handles open after a check.
  process.exitCode = summary.fail > 0 ? 1 : 0;
}

function findingText({ check, state, found, remedy }: Finding): string {
  const line = `${MARKS[state]} ${check}: ${found}\n`;
  return remedy === null ? line : `${line}     → ${remedy}\n`;
}
