const { basename } = require('node:path');
const { default: Sequencer } = require('@jest/test-sequencer');

/**
 * Slowest first, by wall time. Where no earlier run is known, as in a fresh clone, Jest starts with the largest file, and a slow one
 * that starts last keeps the other cores waiting. Files of less than fifteen seconds do not matter.
 */
const SLOWEST = [
  'storm',
  'fleet-voice.e2e',
  'fleet.e2e',
  'vision-trial.e2e',
  'stills.e2e',
  'late-frames.e2e',
  'stop.e2e',
  'fleet-scene.e2e',
  'simulate',
  'fuzz',
  'fleet-config.e2e',
  'frozen.e2e',
  'outbox.e2e',
  'readers.e2e',
  'trainer',
  'actuator.e2e',
  'voice.e2e',
  'failures.e2e',
  'clock.e2e',
  'latency',
  'voice-trial.e2e',
  'recording',
  'update-torture',
  'start-stop.e2e',
  'wake-word',
  'command-line',
  'fleet-rollout.e2e',
];

class SlowestFirst extends Sequencer {
  sort(tests) {
    const placeOf = ({ path }) => {
      const place = SLOWEST.indexOf(basename(path, '.test.ts'));
      return place < 0 ? SLOWEST.length : place;
    };
    return [...super.sort(tests)].sort((a, b) => placeOf(a) - placeOf(b));
  }
}

module.exports = SlowestFirst;
