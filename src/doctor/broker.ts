import { randomUUID } from 'node:crypto';
import { topicOf } from '../mqtt/topics/topic-names';
import { Visit } from './broker-guest';
import { examineCertificates } from './certificates';
import { type Examination, fail, failedBecause, type Finding, ok, type Patient, warn } from './finding';

/** No door, reader or box may have this name in earnest: what is sent here means nothing to anyone. */
const ANONYMOUS = 'usher-doctor';
const RULES = 'Give the broker access rules: device-config/mosquitto has a complete example.';

/** Reach, login, certificates; and what this box, and what nobody in particular, may say and hear there. */
export const examineBroker: Examination = async (patient) => {
  const { broker } = patient.loaded.config.mqtt;
  if (broker.type === 'embedded') return embedded(patient, broker.port);
  const certificates = await examineCertificates(broker);
  if (patient.daemon !== null && !patient.probe)
    return [
      ...certificates,
      ok(
        'broker',
        'in use by the running daemon; with --probe its rules are tried beside it (a broker that allows one client a name then cuts the daemon off for a moment)',
      ),
      ...(await asAnonymous(patient, broker.url, null)),
    ];
  // MQTT 5 tells a publisher that it was refused; 3.1.1 has no word for it.
  const box = await Visit.pay(patient.loaded, broker.url, 'box', 5)
    .catch(() => Visit.pay(patient.loaded, broker.url, 'box', 4))
    .catch((error: unknown) => failedBecause('broker', error, 'Look into the log of the broker.'));
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
    const visit = await Visit.pay(patient.loaded, `mqtt://127.0.0.1:${port}`, 'nobody', 4);
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

/** Not a message that anything would obey: no schema takes it, and it tells nothing. */
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
  // Said and heard back: then it was delivered, whatever the protocol tells.
  const swipe = trial();
  const saidSwipe = await box.publish(topics.ownSwipe, swipe);
  findings.push(
    saidSwipe && (await box.hears(swipe))
      ? warn('broker:presents-cards', 'this box may publish swipes: whoever takes it over presents cards', RULES)
      : ok('broker:presents-cards', 'this box cannot publish swipes'),
  );
  const unlock = trial();
  const saidUnlock = await box.publish(topics.ownUnlock, unlock);
  findings.push(
    saidUnlock
      ? ok('broker:says-unlocks', 'this box may publish unlocks')
      : fail('broker:says-unlocks', 'the broker refuses the unlocks of this box: no door would open', RULES),
    saidUnlock && (await box.hears(unlock))
      ? ok('broker:hears-unlocks', 'this box hears its own unlocks: it notices a broker that does not pass them on')
      : warn(
          'broker:hears-unlocks',
          'this box does not hear its own unlocks: it cannot notice a broker that does not pass them on',
          RULES,
        ),
  );
  return [...findings, await forAnother(box, topics.otherUnlock)];
}

/** Without MQTT 5 a refusal shows only in silence, which the subscription of a whole site would be needed to hear. */
async function forAnother(box: Visit, topic: string): Promise<Finding> {
  const check = 'broker:speaks-for-others';
  const message = trial();
  const subscribed = await box.subscribe(topic);
  const outcome = await box.publish(topic, message);
  if (outcome && subscribed && (await box.hears(message)))
    return warn(check, 'this box may publish unlocks of other boxes (they lack its signature, and are refused)', RULES);
  return ok(
    check,
    outcome ? 'nothing that it says for another box was delivered to it' : 'it may not speak for another box',
  );
}

/** @param box hears what nobody in particular managed to say; null when it may not be there */
async function asAnonymous(patient: Patient, url: string, box: Visit | null): Promise<Finding[]> {
  const topics = topicsOf(patient);
  let anonymous: Visit;
  try {
    anonymous = await Visit.pay(patient.loaded, url, 'nobody', 4);
  } catch {
    return [ok('broker:anonymous', 'nobody gets in without credentials')];
  }
  try {
    const findings: Finding[] = [];
    await anonymous.subscribe(topics.unlocks);
    const unlock = trial();
    // Where the box is not there to say it, nobody tries to.
    await (box ?? anonymous).publish(topics.ownUnlock, unlock);
    if (await anonymous.hears(unlock))
      findings.push(fail('broker:anonymous-unlocks', 'anyone may hear unlocks without credentials', RULES));
    await anonymous.subscribe(topics.swipes);
    const swipe = trial();
    const outcome = await anonymous.publish(topics.ownSwipe, swipe);
    if (outcome && (await (box ?? anonymous).hears(swipe)))
      findings.push(fail('broker:anonymous-swipes', 'anyone may present cards without credentials', RULES));
    return findings.length > 0
      ? findings
      : [
          warn(
            'broker:anonymous',
            'anyone may connect without credentials, but neither hears unlocks nor presents cards',
            RULES,
          ),
        ];
  } finally {
    await anonymous.leave();
  }
}
