import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { MqttClient } from '../../../src/mqtt/client/client';
import type { MqttClientOptions } from '../../../src/mqtt/client/client-options';
import { Mosquitto, describeWithMosquitto } from '../../support/mosquitto';
import { makeClient } from '../harness';
import { until } from '../../support/until';

let folder: string;
const file = (name: string): string => path.join(folder, name);

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'usher-tls-'));
  const openssl = (...words: string[]): void => {
    execFileSync('openssl', words, { cwd: folder, stdio: 'pipe' });
  };
  const authority = (name: string): void => {
    openssl(
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-days',
      '2',
      '-subj',
      `/CN=${name}`,
      '-keyout',
      `${name}.key`,
      '-out',
      `${name}.pem`,
    );
  };
  const signed = (name: string, subject: string, extensions: string): void => {
    writeFileSync(file(`${name}.ext`), extensions);
    openssl(
      'req',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-subj',
      `/CN=${subject}`,
      '-keyout',
      `${name}.key`,
      '-out',
      `${name}.csr`,
    );
    openssl(
      'x509',
      '-req',
      '-days',
      '2',
      '-in',
      `${name}.csr`,
      '-CA',
      'site.pem',
      '-CAkey',
      'site.key',
      '-CAcreateserial',
      '-extfile',
      `${name}.ext`,
      '-out',
      `${name}.pem`,
    );
  };
  authority('site');
  authority('stranger');
  signed('broker', 'broker', 'subjectAltName=IP:127.0.0.1\n');
  signed('elsewhere', 'elsewhere', 'subjectAltName=DNS:elsewhere.example\n');
  signed('device', 'device', 'extendedKeyUsage=clientAuth\n');
  writeFileSync(file('password'), 'open sesame\n');
  writeFileSync(file('wrong'), 'shazam\n');
  writeFileSync(file('not-a-key'), 'nothing of the kind\n');
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describeWithMosquitto('a broker that asks who is there', () => {
  const brokers: Mosquitto[] = [];
  const clients: MqttClient[] = [];

  const start = async (config: string[]): Promise<Mosquitto> => {
    const broker = new Mosquitto(config);
    brokers.push(broker);
    await broker.start();
    return broker;
  };
  const device = (url: string, options: Partial<MqttClientOptions>): MqttClient => {
    const client = makeClient(url, options);
    clients.push(client);
    client.start();
    return client;
  };
  const problemOf = async (client: MqttClient): Promise<string> => {
    await until('a problem', () => client.health.problem !== null);
    expect(client.connected).toBe(false);
    expect(client.health.state).toBe('failed');
    return `${client.health.problem?.message ?? ''} → ${client.health.problem?.remedy ?? ''}`;
  };

  afterEach(async () => {
    await Promise.all(clients.splice(0).map((client) => client.stop()));
    await Promise.all(brokers.splice(0).map((broker) => broker.dispose()));
  });

  describe.each([4, 5] as const)('protocol version %i', (protocolVersion) => {
    const passwords = async (): Promise<Mosquitto> => {
      execFileSync('mosquitto_passwd', ['-b', '-c', file('users'), 'front', 'open sesame'], { stdio: 'pipe' });
      return start(['allow_anonymous false', `password_file ${file('users')}`]);
    };

    it('lets in the right password, and goes on trying with a wrong one until it is corrected', async () => {
      const broker = await passwords();
      const right = device(broker.url, { protocolVersion, username: 'front', passwordFile: file('password') });
      await until('the right one', () => right.connected);
      await right.stop();

      writeFileSync(file('changing'), 'shazam');
      const wrong = device(broker.url, { protocolVersion, username: 'front', passwordFile: file('changing') });
      expect(await problemOf(wrong)).toMatch(/user name or password|authoris.* → .*(passwordFile|access rules)/);
      writeFileSync(file('changing'), 'open sesame\r\n');
      await until('the corrected password', () => wrong.connected);
      expect(wrong.health.problem).toBeNull();
    });

    it('refuses one without a name', async () => {
      const broker = await passwords();
      expect(await problemOf(device(broker.url, { protocolVersion }))).toMatch(/password|authoris/);
    });

    it('takes a client certificate over TLS, and nothing less', async () => {
      const broker = await start([
        'allow_anonymous true',
        `cafile ${file('site.pem')}`,
        `certfile ${file('broker.pem')}`,
        `keyfile ${file('broker.key')}`,
        'require_certificate true',
      ]);
      const url = `mqtts://127.0.0.1:${broker.port}`;
      const caFile = file('site.pem');
      const own = { protocolVersion, certFile: file('device.pem'), keyFile: file('device.key') };
      const good = device(url, { ...own, caFile });
      await until('the certificate to be taken', () => good.connected);
      await good.stop();
      expect(await problemOf(device(url, { protocolVersion, caFile }))).toMatch(/TLS|cut the connection/);
      expect(await problemOf(device(url, own))).toMatch(/trusted authority → .*caFile/);
      expect(await problemOf(device(url, { ...own, caFile: file('stranger.pem') }))).toMatch(/trusted authority/);
      expect(await problemOf(device(url, { ...own, caFile, keyFile: file('not-a-key') }))).toMatch(/MQTT broker/);
      expect(await problemOf(device(broker.url, { protocolVersion }))).toMatch(
        /cut the connection|closed the connection/,
      );
    });
  });

  it('must have the name that its certificate carries', async () => {
    const broker = await start([
      'allow_anonymous true',
      `certfile ${file('elsewhere.pem')}`,
      `keyfile ${file('elsewhere.key')}`,
    ]);
    const client = device(`mqtts://127.0.0.1:${broker.port}`, { caFile: file('site.pem') });
    expect(await problemOf(client)).toMatch(/another host name/);
  });

  it('a missing file is named with its key', async () => {
    const broker = await start(['allow_anonymous true']);
    const message = await problemOf(device(broker.url, { username: 'front', passwordFile: file('gone') }));
    expect(message).toMatch(/mqtt\.broker\.passwordFile: .*gone: ENOENT/);
  });
});
