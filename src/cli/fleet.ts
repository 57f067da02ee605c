import { Command } from 'commander';
import {
  fleetCarryCommand,
  fleetInitCommand,
  fleetRefreshCommand,
  fleetReleasesCommand,
  fleetRevokeCommand,
  fleetRotateCommand,
} from './fleet-keep';
import { fleetEventsCommand } from './fleet-events';
import { fleetPublishCommand, fleetRollbackCommand } from './fleet-publish';
import { fleetRolloutCommand } from './fleet-rollout';
import { fleetSimulateCommand } from './fleet-simulate';
import { fleetStatusCommand } from './fleet-status';

/** `usher fleet …`: the manager of many boxes. */
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
    .addCommand(fleetSimulateCommand());
}
