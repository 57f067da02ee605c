import { mkdtempSync } from 'node:fs';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { writeDesired } from '../../../../src/fleet/manager/desired';
import { FleetFolder } from '../../../../src/fleet/manager/fleet-folder';
import { openReceiving } from '../../../../src/fleet/update/receive';
import { decodePart, encodePart, partsOf } from '../../../../src/fleet/transfer/framing';
import { readTarHeader, TAR_BLOCK, tarHeader } from '../../../../src/fleet/transfer/tar';
import { TufClient } from '../../../../src/fleet/trust/tuf-client';
import type { Target } from '../target';

const NOW = 1_800_000_000_000;

const makeFleet = (): FleetFolder =>
  FleetFolder.init(path.join(mkdtempSync(path.join(tmpdir(), 'usher-fuzz-')), 'fleet'), {
    ...{ rootKeys: 1, rootThreshold: 1, passphrase: null, now: NOW },
  });

/** Nothing but the signed seed may pass, however it is spelt. */
function offer(): Target {
  const fleet = makeFleet();
  const signed = writeDesired(fleet, { kind: 'group', group: 'all' }, () => [], NOW);
  const { verifier } = openReceiving({
    ...{ config: { source: { type: 'mqtt' }, maxKbitPerSecond: 1000 }, dir: path.join(fleet.dir, 'box') },
    root: readFileSync(path.join(fleet.dir, 'root.json')),
    box: { site: 'gym', device: 'box', groups: [], usher: '1.0.0', arch: 'x64', memoryMiB: 1000 },
    // No newer root: as the broker says it.
    reader: { take: () => Promise.resolve(encodePart({ index: 0, parts: 0, fileBytes: 0, bytes: new Uint8Array(0) })) },
    isBusy: () => false,
    wall: () => NOW,
  });
  return {
    name: 'fleet-offer',
    form: 'json',
    seeds: () => [Buffer.from(JSON.stringify(signed))],
    feed: async (input) => {
      const taken = await verifier.authenticate(input, { kind: 'group', group: 'all' });
      if (JSON.stringify(taken) !== JSON.stringify(signed)) throw new Error('an offer that nobody signed was taken');
    },
  };
}

/** Whatever a server answers for each role: an error that a person can act on, and nothing trusted but the fleet's own. */
function metadata(): Target {
  const fleet = makeFleet();
  const files = fleet.metadataPaths.map((name) => fleet.read(name));
  const pinnedRoot = readFileSync(path.join(fleet.dir, 'root.json'));
  return {
    name: 'fleet-metadata',
    form: 'json',
    cpuMs: 4000,
    seeds: () => files,
    feed: async (input) => {
      for (const spoilt of fleet.metadataPaths) {
        const client = new TufClient({
          dir: path.join(fleet.dir, 'none'),
          pinnedRoot,
          source: {
            file: (name) =>
              Promise.resolve(
                name === spoilt || (spoilt.endsWith('root.json') && name === 'metadata/2.root.json')
                  ? input
                  : fleet.readOptional(path.join('repository', name)),
              ),
            chunks: () => {
              throw new Error('not asked for');
            },
          },
          referenceTime: () => NOW,
        });
        const { targets } = await client.refresh().catch((error: unknown) => {
          if (error instanceof Error && error.name === 'ReleaseRefused') return { targets: new Map() };
          throw error;
        });
        if (targets.size > 0) throw new Error('a target that nobody signed was trusted');
      }
    },
  };
}

function part(): Target {
  const [sample] = [...partsOf(Buffer.from('hello'), 1024)];
  return {
    name: 'fleet-part',
    form: 'bytes',
    seeds: () => (sample === undefined ? [] : [encodePart(sample)]),
    feed: (input) => {
      const decoded = decodePart(input);
      if (decoded !== null && !encodePart(decoded).equals(input)) throw new Error('two spellings of one part');
    },
  };
}

function tar(): Target {
  return {
    name: 'fleet-tar',
    form: 'bytes',
    seeds: () => [tarHeader({ name: 'model.onnx', bytes: 1234 }), Buffer.alloc(TAR_BLOCK)],
    feed: (input) => {
      const entry = readTarHeader(input);
      if (entry !== null && !tarHeader(entry).equals(input)) throw new Error('two spellings of one header');
    },
  };
}

export const FLEET = [offer, metadata, part, tar];
