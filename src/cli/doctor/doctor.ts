import { Command } from 'commander';
import { diagnose } from '../../doctor/diagnose';
import { takeReferences } from '../../doctor/camera-reference';
import type { Finding } from '../../doctor/finding';
import { doctorLatency, type LatencyCommand } from './latency';
import { type InstallationOptions, loadInstallation, withInstallationOptions } from '../../terminal/installation';

const MARKS = { ok: 'ok  ', warn: 'WARN', fail: 'FAIL' } as const;

export function doctorCommand(): Command {
  const command = withInstallationOptions(new Command('doctor'))
    .description('look at all that this installation rests on; exit code 1 when something fails')
    .option('--probe', 'try the broker with this box’s credentials even while the daemon is connected')
    .option('--reference', 'keep what each camera sees now, to notice later when one is moved or out of focus')
    .option('--latency', 'measure how late the pictures of a camera come: cover its lens when asked')
    .option('--camera <id>', 'with --latency: only this camera')
    .option('--flash', 'with --latency: the camera looks at this terminal, which flashes')
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
      await takeReferences(loaded, (camera, file) => process.stdout.write(`${camera}: kept in ${file}\n`));
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

/** All findings at once. */
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
  // Native libraries may keep handles of what was tried.
  process.exitCode = summary.fail > 0 ? 1 : 0;
}

function findingText({ check, state, found, remedy }: Finding): string {
  const line = `${MARKS[state]} ${check}: ${found}\n`;
  return remedy === null ? line : `${line}     → ${remedy}\n`;
}
