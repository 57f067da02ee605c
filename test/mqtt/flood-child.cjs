// Publishes on one topic, QoS 0 and 1 in turn, as fast as the broker takes it in; ends with its parent's SIGKILL.
const { connect } = require('node:net');
const { generate } = require('mqtt-packet');
const [, , port, topic] = process.argv;
const socket = connect(Number(port), '127.0.0.1');
socket.write(
  generate({ cmd: 'connect', clientId: 'flood', protocolId: 'MQTT', protocolVersion: 4, clean: true, keepalive: 0 }),
);
socket.on('data', () => undefined);
const payload = JSON.stringify({ v: 1, id: 'flood' });
const pair = [
  generate({ cmd: 'publish', topic, payload, qos: 0, dup: false, retain: false }),
  generate({ cmd: 'publish', topic, payload, qos: 1, dup: false, retain: false, messageId: 1 }),
];
const block = Buffer.concat(Array.from({ length: 100 }, () => pair).flat());
const pump = () => {
  while (socket.write(block));
  socket.once('drain', pump);
};
pump();
