import { randomUUID } from 'node:crypto';
import { topicOf } from '../mqtt/topics/topic-names';
import { Visit } from './broker-guest';
import { examineCertificates } from './certificates';
import { type Examination, fail, failedBecause, type Finding, ok, type Patient, warn } from './finding';

/** No door, reader or box may use this name, so that test messages have no effect. */
const ANONYMOUS = 'usher-doctor';
const RULES = 'Give the broker access rules: device-config/mosquitto has a complete example.';

/** Checks reachability, login and certificates, and what this box and an anonymous client may publish and subscribe. */
export const examineBroker: Examination = async (patient) => {
  const { broker } = patient.loaded.config.mqtt;
  if (broker.type === 'embedded') return embedded(patient, broker.port);
  const certificates = await examineCertificates(broker);
  if (patient.daemon !== null && !patient.probe)
    return [
      ...certificates,
      ok(
        'broker',
        'in use by the running daemon; with --probe its rules are tested on a second connection (a broker that allows one connection a user then disconnects the daemon for a moment)',
      ),
      ...(await asAnonymous(patient, broker.url, null)),
    ];
  // MQTT 5 reports a refused publish. 3.1.1 cannot.
  const box = await Visit.pay(patient.loaded, broker.url, 'box', 5)
    .catch(() => Visit.pay(patient.loaded, broker.url, 'box', 4))
    .catch((error: unknown) => failedBecause('broker', error, 'See the log of the broker.'));
  if (!(box instanceof Visit)) return [...certificates, box];
  try {
    return [
      ...certificates,
      ok('broker', 'connected with the credentials of the configuration'),
      ...(await asBox(patient, box)),
      ...(await asAnonymous(patient, broker.url, box)),
    ];
  } finally {
    await box.leave();
  }
};

async function embedded(patient: Patient, port: number): Promise<Finding[]> {
  const text = 'inside usher, on the loopback interface: every account of this machine may use it';
  if (port === 0) return [ok('broker', text)];
  try {
    const visit = await Visit.pay(patient.loaded, `mqtt://127.0.0.1:${port}`, 'anonymous', 4);
    await visit.leave();
    return patient.daemon === null
      ? [
          fail(
            'broker',
            `another broker has port ${port} of the loopback interface`,
            'Stop it, or set mqtt.broker.port.',
          ),
        ]
      : [ok('broker', `${text}; it answers on port ${port}`)];
  } catch (error) {
    return patient.daemon === null
      ? [ok('broker', `${text}; port ${port} is free`)]
      : [failedBecause('broker', error, 'Restart usher.')];
  }
}

interface Topics {
  readonly ownSwipe: string;
  readonly ownUnlock: string;
  readonly otherUnlock: string;
  readonly swipes: string;
  readonly unlocks: string;
}

function topicsOf({ loaded: { config } }: Patient): Topics {
  const base = { site: config.device.site, device: config.device.id, discoveryPrefix: config.mqtt.discoveryPrefix };
  const ownSwipe = topicOf('swipe', { reader: ANONYMOUS }, base);
  const ownUnlock = topicOf('unlock', { door: ANONYMOUS }, base);
  return {
    ownSwipe,
    ownUnlock,
    otherUnlock: topicOf('unlock', { door: ANONYMOUS }, { ...base, device: ANONYMOUS }),
    swipes: ownSwipe.replace(`/${ANONYMOUS}/`, '/+/'),
    unlocks: ownUnlock.replace(`/${ANONYMOUS}/`, '/+/'),
  };
}

/** No schema accepts this payload and it reveals nothing, so no receiver acts on it. */
const trial = (): string => JSON.stringify({ usherDoctor: randomUUID() });

async function asBox(patient: Patient, box: Visit): Promise<Finding[]> {
  const topics = topicsOf(patient);
  const findings: Finding[] = [];
  findings.push(
    (await box.subscribe(topics.swipes))
      ? ok('broker:hears-swipes', 'this box may subscribe to its swipes')
      : fail('broker:hears-swipes', 'the broker refuses this box its own swipes', RULES),
  );
  await box.subscribe(topics.unlocks);
  // A message that comes back was delivered, whatever the protocol reports.
  const swipe = trial();
  const saidSwipe = await box.publish(topics.ownSwipe, swipe);
  findings.push(
    saidSwipe && (await box.hears(swipe))
      ? warn(
          'broker:presents-cards',
          'this box may publish swipes: an attacker who controls it can present any card',
          RULES,
        )
      : ok('broker:presents-cards', 'this box cannot publish swipes'),
  );
  const unlock = trial();
  const saidUnlock = await box.publish(topics.ownUnlock, unlock);
  findings.push(
    saidUnlock
      ? ok('broker:says-unlocks', 'this box may publish unlocks')
      : fail('broker:says-unlocks', 'the broker refuses the unlocks of this box: no door would open', RULES),
    saidUnlock && (await box.hears(unlock))
      ? ok(
          'broker:hears-unlocks',
          'this box receives its own unlocks, so it can detect that the broker does not deliver them',
        )
      : warn(
          'broker:hears-unlocks',
          'this box does not receive its own unlocks, so it cannot detect that the broker does not deliver them',
          RULES,
        ),
  );
  return [...findings, await forAnother(box, topics.otherUnlock)];
}

/** Before MQTT 5 only a missing message shows a refusal, and to see that takes a subscription to the whole site. */
async function forAnother(box: Visit, topic: string): Promise<Finding> {
  const check = 'broker:speaks-for-others';
  const message = trial();
  const subscribed = await box.subscribe(topic);
  const outcome = await box.publish(topic, message);
  if (outcome && subscribed && (await box.hears(message)))
    return warn(
      check,
      'this box may publish unlocks of other boxes (actuators refuse them, since the signature is wrong)',
      RULES,
    );
  return ok(
    check,
    outcome ? 'no message that it published for another box was delivered' : 'it may not publish for another box',
  );
}

/** @param box receives what the anonymous client could publish; null if the box may not connect */
async function asAnonymous(patient: Patient, url: string, box: Visit | null): Promise<Finding[]> {
  const topics = topicsOf(patient);
  let anonymous: Visit;
  try {
    anonymous = await Visit.pay(patient.loaded, url, 'anonymous', 4);
  } catch {
    return [ok('broker:anonymous', 'no client can connect without credentials')];
  }
  try {
    const findings: Finding[] = [];
    await anonymous.subscribe(topics.unlocks);
    const unlock = trial();
    // Without the box's connection no message can be sent that the anonymous client should receive.
    await (box ?? anonymous).publish(topics.ownUnlock, unlock);
    if (await anonymous.hears(unlock))
      findings.push(fail('broker:anonymous-unlocks', 'any client may receive unlocks without credentials', RULES));
    await anonymous.subscribe(topics.swipes);
    const swipe = trial();
    const outcome = await anonymous.publish(topics.ownSwipe, swipe);
    if (outcome && (await (box ?? anonymous).hears(swipe)))
      findings.push(fail('broker:anonymous-swipes', 'any client may present cards without credentials', RULES));
    return findings.length > 0
      ? findings
      : [
          warn(
            'broker:anonymous',
            'any client may connect without credentials, but can neither receive unlocks nor present cards',
            RULES,
          ),
        ];
  } finally {
    await anonymous.leave();
  }
}
