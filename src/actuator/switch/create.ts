import type { RelayConfig } from '../config/schema';
import { GpioSwitch } from './gpio';
import { commandTopic, MqttSwitch, type RelayPublish, shelly, tasmota, zigbee2mqtt } from './mqtt-switch';
import type { Switch } from './relay';
import { run } from '../../system/programs';

/** The hardware that the configuration names. @param publish for relays that use the actuator's own MQTT connection */
export function createSwitch(config: RelayConfig, publish: RelayPublish): Switch {
  switch (config.type) {
    case 'gpio':
      return new GpioSwitch(config);
    case 'command':
      return new CommandSwitch({ on: argvOf(config.on), off: argvOf(config.off), timeoutMs: config.timeoutMs });
    case 'tasmota':
      return new MqttSwitch(tasmota(config), publish);
    case 'shelly':
      return new MqttSwitch(shelly(config), publish);
    case 'zigbee2mqtt':
      return new MqttSwitch(zigbee2mqtt(config), publish);
    case 'home-assistant-lock':
      return new MqttSwitch(commandTopic(config), publish);
  }
}

function argvOf(argv: readonly string[]): readonly [string, ...string[]] {
  const [program = '', ...args] = argv;
  return [program, ...args];
}

type Argv = readonly [string, ...string[]];

/**
 * A lock that the operator's programs open and close. Each program runs once, to its end, and must exit with code 0.
 */
class CommandSwitch implements Switch {
  constructor(private readonly commands: { readonly on: Argv; readonly off: Argv; readonly timeoutMs: number }) {}

  async on(): Promise<void> {
    await run(this.commands.on, this.commands.timeoutMs);
  }

  async off(): Promise<void> {
    await run(this.commands.off, this.commands.timeoutMs);
  }
}
