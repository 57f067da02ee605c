// A device in a process of its own, to be killed: prints a line once it is online.
import { MqttClient } from '../../src/mqtt/client/client';

const [url = '', bootId = ''] = process.argv.slice(2);
const client = new MqttClient({
  site: 'lyon',
  device: 'front',
  discoveryPrefix: 'homeassistant',
  url,
  bootId,
  changed: ({ state }) => {
    if (state === 'connected') process.stdout.write('connected\n');
  },
});
client.start();
