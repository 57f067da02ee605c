import { messageOf, UsherError } from '../../errors';
import { fleetTopicOf, topicOf } from '../../mqtt/topics/topic-names';
import { UpdateDesiredPayload } from '../../mqtt/topics/update-payloads';
import type { Desired, Offer, OfferScope } from '../release';
import { OFFER_DOMAIN } from '../trust/verifier';
import type { FleetFolder } from './fleet-folder';
import { readdirSync } from 'node:fs';
import path from 'node:path';

/** Validity of an offer in days; `usher fleet refresh` signs it again. */
export const OFFER_DAYS = 30;

/** The topic on which an addressee receives offers. @throws RangeError if a name in it is not an identifier */
export function desiredTopic(scope: OfferScope): string {
  return scope.kind === 'device'
    ? topicOf('updateDesired', {}, { site: scope.site, device: scope.device, discoveryPrefix: 'homeassistant' })
    : fleetTopicOf('fleetDesired', { group: scope.group });
}

const fileOf = (scope: OfferScope): string =>
  `desired/${scope.kind === 'device' ? `device.${scope.site}.${scope.device}` : `group.${scope.group}`}.json`;

/**
 * The present offers to an addressee, from the fleet's own records; null if there never were any. @throws UsherError
 * `data-invalid`
 */
export function readDesired(fleet: FleetFolder, scope: OfferScope): Desired | null {
  const bytes = fleet.readOptional(fileOf(scope));
  if (bytes === null) return null;
  try {
    return UpdateDesiredPayload.parse(JSON.parse(bytes.toString('utf8')));
  } catch (error) {
    throw new UsherError('data-invalid', `${fileOf(scope)} of the fleet cannot be read: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

/** The documents of all addressees. */
export function allDesired(fleet: FleetFolder): Desired[] {
  let names: string[];
  try {
    names = readdirSync(path.join(fleet.dir, 'desired'));
  } catch {
    return [];
  }
  return names
    .filter((name) => name.endsWith('.json'))
    .sort()
    .map((name) => UpdateDesiredPayload.parse(JSON.parse(String(fleet.readOptional(`desired/${name}`)))));
}

/**
 * Signs another list of offers for an addressee, under a higher number, and stores it. The number follows the clock if
 * that is higher, so that a fleet folder that was restored from a backup is not refused as a replay.
 * @throws UsherError `key-unusable`, `store-unavailable`, `data-invalid`
 */
export function writeDesired(
  fleet: FleetFolder,
  scope: OfferScope,
  change: (offers: readonly Offer[]) => readonly Offer[],
  now: number,
): Desired {
  const before = readDesired(fleet, scope);
  const statement = {
    v: 1 as const,
    scope,
    seq: Math.max((before?.seq ?? 0) + 1, now),
    issuedAt: now,
    notAfter: now + OFFER_DAYS * 86_400_000,
    offers: [...change(before?.offers ?? [])],
  };
  const signatures = fleet
    .onlineKeys()
    .map((key) => ({ keyid: key.keyid, sig: key.signStatement(OFFER_DOMAIN, statement) }));
  const desired = UpdateDesiredPayload.parse({ ...statement, signatures });
  fleet.write(fileOf(scope), Buffer.from(`${JSON.stringify(desired)}\n`), 'owner');
  return desired;
}

/** Replaces the offer of the same channel. */
export function withOffer(offers: readonly Offer[], offer: Offer): Offer[] {
  return [...offers.filter(({ channel }) => channel !== offer.channel), offer];
}

/** The offers with the rollout of one channel changed. @throws UsherError `usage` if there is none */
export function withRollout(
  offers: readonly Offer[],
  channel: string,
  change: (rollout: Offer['rollout']) => Offer['rollout'],
): Offer[] {
  if (!offers.some((offer) => offer.channel === channel))
    throw new UsherError('usage', `there is no offer on ${channel}`, {
      remedy: `Offered is: ${offers.map((offer) => offer.channel).join(', ') || 'nothing'}.`,
    });
  return offers.map((offer) => (offer.channel === channel ? { ...offer, rollout: change(offer.rollout) } : offer));
}
