import { Command } from 'commander';
import {
  fleetCarryCommand,
  fleetInitCommand,
  fleetRefreshCommand,
  fleetReleasesCommand,
  fleetRevokeCommand,
  fleetRotateCommand,
} from './fleet-keep';
import { fleetPublishCommand, fleetRollbackCommand } from './fleet-publish';

/** `usher fleet …`: the manager of many boxes. */
export function fleetCommand(): Command {
  return new Command('fleet')
    .description('sign releases for many boxes, and offer them over MQTT')
    .addCommand(fleetInitCommand())
    .addCommand(fleetPublishCommand())
    .addCommand(fleetRollbackCommand())
    .addCommand(fleetRevokeCommand())
    .addCommand(fleetRefreshCommand())
    .addCommand(fleetRotateCommand())
    .addCommand(fleetCarryCommand())
    .addCommand(fleetReleasesCommand());
}
