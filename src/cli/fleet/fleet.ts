import { Command } from 'commander';
import {
  fleetCarryCommand,
  fleetInitCommand,
  fleetRefreshCommand,
  fleetReleasesCommand,
  fleetRevokeCommand,
  fleetRotateCommand,
} from './keep';
import { fleetEventsCommand } from './events';
import { fleetPublishCommand, fleetRollbackCommand } from './publish';
import { fleetRolloutCommand } from './rollout';
import { fleetStatusCommand } from './status';
import { laboratoryCommand } from '../../terminal/laboratory';

/** `usher fleet …`: manages many boxes. */
export function fleetCommand(): Command {
  return new Command('fleet')
    .description('sign releases for many boxes, and offer them over MQTT')
    .addCommand(fleetInitCommand())
    .addCommand(fleetPublishCommand())
    .addCommand(fleetRolloutCommand())
    .addCommand(fleetStatusCommand())
    .addCommand(fleetEventsCommand())
    .addCommand(fleetRollbackCommand())
    .addCommand(fleetRevokeCommand())
    .addCommand(fleetRefreshCommand())
    .addCommand(fleetRotateCommand())
    .addCommand(fleetCarryCommand())
    .addCommand(fleetReleasesCommand())
    .addCommand(laboratoryCommand('simulate'));
}
