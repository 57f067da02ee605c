import { noSuch } from '../../nearest-word';
import type { ReferenceFault } from './fault';

type Entry = Readonly<Record<string, unknown>>;
const entry = (value: unknown): Entry =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Entry) : {};
const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

type Path = readonly (string | number)[];

/** Names within the policy that name nothing, and rules that cannot work together. Takes plain data, valid or not. */
export function policyFaults(plain: unknown): ReferenceFault[] {
  const root = entry(plain);
  const policy = entry(root['policy']);
  const doors = new Map(list(root['doors']).map((door) => [entry(door)['id'], entry(door)]));
  const schedules = Object.keys(entry(policy['schedules']));
  const zones = ['outside', ...Object.keys(entry(policy['zones']))];
  const contacts = list(root['contacts']).map((contact) => entry(contact)['door']);
  const faults: ReferenceFault[] = [];
  const mustBe = (known: readonly string[], what: string, value: unknown, path: Path): void => {
    if (typeof value === 'string' && !known.includes(value))
      faults.push({ path: ['policy', ...path], message: noSuch(what, value, known) });
  };

  faults.push(...repeatedDates(list(policy['holidays'])));
  list(policy['holidays']).forEach((holiday, at) =>
    list(entry(holiday)['schedules']).forEach((name, n) =>
      mustBe(schedules, 'schedule', name, ['holidays', at, 'schedules', n]),
    ),
  );
  for (const [id, value] of Object.entries(entry(policy['doors']))) {
    const rules = entry(value);
    const door = doors.get(id);
    if (door === undefined) mustBe([...doors.keys()].map(String), 'door', id, ['doors', id]);
    list(rules['rights']).forEach((right, at) =>
      list(entry(right)['schedules']).forEach((name, n) =>
        mustBe(schedules, 'schedule', name, ['doors', id, 'rights', at, 'schedules', n]),
      ),
    );
    list(rules['modes']).forEach((mode, at) => {
      const path = ['doors', id, 'modes', at];
      mustBe(schedules, 'schedule', entry(mode)['schedule'], [...path, 'schedule']);
      const asked = entry(mode)['mode'];
      if (
        door !== undefined &&
        list(door['readers']).length === 0 &&
        (asked === 'card-and-face' || asked === 'card-only')
      )
        faults.push({ path: ['policy', ...path, 'mode'], message: 'this door has no reader' });
    });
    const { passage } = rules;
    for (const side of ['from', 'to']) mustBe(zones, 'zone', entry(passage)[side], ['doors', id, 'passage', side]);
    if (entry(passage)['from'] !== undefined && entry(passage)['from'] === entry(passage)['to'])
      faults.push({ path: ['policy', 'doors', id, 'passage'], message: 'leads from a zone into the same zone' });
    if (entry(rules['antiPassback'])['zones'] === true && passage === undefined)
      faults.push({ path: ['policy', 'doors', id, 'antiPassback', 'zones'], message: 'needs `passage`' });
    mustBe(schedules, 'schedule', entry(rules['twoPerson'])['schedule'], ['doors', id, 'twoPerson', 'schedule']);
    if (rules['contact'] !== undefined && door !== undefined && !contacts.includes(id))
      faults.push({
        path: ['policy', 'doors', id, 'contact'],
        message: `nothing says whether this door is open, so no alarm would ever come; add { door: ${id} } to contacts`,
      });
  }
  faults.push(...roomsWithoutWay(policy));
  return faults;
}

/** A limit on how many are inside has no effect on a zone that no door leads into. */
function roomsWithoutWay(policy: Entry): ReferenceFault[] {
  const ways = Object.values(entry(policy['doors'])).map((rules) => entry(entry(rules)['passage']));
  const reached = ways.flatMap(({ from, to }) => [from, to]);
  return Object.entries(entry(policy['zones'])).flatMap(([zone, limits]) =>
    typeof entry(limits)['maxOccupancy'] === 'number' && !reached.includes(zone)
      ? [
          {
            path: ['policy', 'zones', zone, 'maxOccupancy'],
            message: 'no door has a `passage` into this zone, so no member is counted in it',
          },
        ]
      : [],
  );
}

/** Two entries for one date and schedule would leave open which of them counts. */
function repeatedDates(holidays: readonly unknown[]): ReferenceFault[] {
  const taken = holidays.map((holiday) => ({ date: entry(holiday)['date'], schedules: entry(holiday)['schedules'] }));
  return taken.flatMap(({ date, schedules }, at) => {
    const twice = taken
      .slice(0, at)
      .some(
        (earlier) =>
          typeof date === 'string' &&
          earlier.date === date &&
          (earlier.schedules === undefined ||
            schedules === undefined ||
            list(schedules).some((name) => list(earlier.schedules).includes(name))),
      );
    return twice ? [{ path: ['policy', 'holidays', at, 'date'], message: 'is there twice for the same schedule' }] : [];
  });
}
