import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LoadedConfig } from '../../config/load/load';
import { parseReleased, withReleased } from '../../config/load/released';
import { messageOf } from '../../errors';
import { Slots } from './slots';
import { CONFIG_FILE } from '../transfer/unpack';
import { UPDATE_LIMITS } from './update-limits';
import type { ChannelState } from './update-state';
import { isSwitched } from './due-work';

/** Channel of the settings that the fleet changes in a box's configuration. */
export const CONFIG_CHANNEL = 'config';
/** Version of the operator's file without a release. */
export const OPERATORS = '0.0.0';

/** The configuration of a process. The operator's file is never written: changes by the fleet are merged over it. */
export interface EffectiveConfig {
  readonly loaded: LoadedConfig;
  readonly operator: LoadedConfig;
  /** Null: only the operator's file. `trial`: it is not proven yet. */
  readonly release: { readonly version: string; readonly dir: string; readonly trial: boolean } | null;
}

/** @throws UsherError `config-invalid`, `file-unreadable` */
export function released(operator: LoadedConfig, dir: string): LoadedConfig {
  const text = readFileSync(join(dir, CONFIG_FILE), 'utf8');
  return { ...operator, config: withReleased(operator.config, parseReleased(text, CONFIG_FILE)) };
}

/**
 * The configuration to start under: the release on trial, else the active one, else the one before it, else only the
 * operator's file. A box always starts.
 * @param warn called for each skipped one, with the reason
 */
export function startUnder(operator: LoadedConfig, trials: boolean, warn: (why: string) => void): EffectiveConfig {
  // A box that is removed from its fleet also loses the fleet's settings.
  if (operator.config.fleet.root !== null)
    for (const { version, dir, trial } of choices(operator.dataDir, warn)) {
      if (trial && !trials) continue;
      try {
        return { loaded: released(operator, dir), operator, release: { version, dir, trial } };
      } catch (error) {
        warn(`settings ${version} of the fleet are passed over: ${messageOf(error)}`);
      }
    }
  return { loaded: operator, operator, release: null };
}

function choices(dataDir: string, warn: (why: string) => void): readonly NonNullable<EffectiveConfig['release']>[] {
  const slots = new Slots(dataDir);
  try {
    const { active, previous } = slots.pointer(CONFIG_CHANNEL);
    const state = slots.state(CONFIG_CHANNEL, 0);
    const onTrial = isOnTrial(state, active?.document) && state.trialBoots < UPDATE_LIMITS.trialBoots;
    const tried = onTrial ? [state.candidate?.release ?? []].flat() : [];
    return [
      ...tried.map((one) => ({ version: one.version, dir: slots.dirOf(CONFIG_CHANNEL, one), trial: true })),
      ...[active, previous].flatMap((one) =>
        one === null ? [] : [{ version: one.version, dir: slots.dirOf(CONFIG_CHANNEL, one), trial: false }],
      ),
    ];
  } catch (error) {
    warn(`settings of the fleet are passed over: ${messageOf(error)}`);
    return [];
  }
}

/**
 * Counts a start of the daemon while settings are on trial, whether under them or not; after `UPDATE_LIMITS.trialBoots`
 * they count as the cause. Only the holder of the data folder's lock may call it. @throws UsherError
 * `store-unavailable`
 */
export function countTrialStart(dataDir: string): void {
  const slots = new Slots(dataDir);
  const state = slots.state(CONFIG_CHANNEL, 0);
  if (isOnTrial(state, slots.pointer(CONFIG_CHANNEL).active?.document))
    slots.saveState({ ...state, trialBoots: state.trialBoots + 1 });
}

function isOnTrial(state: ChannelState, active: string | undefined): boolean {
  const { candidate } = state;
  return isSwitched(state) && candidate?.release?.kind === 'config' && candidate.offer.document.sha256 !== active;
}
