import { randomBytes } from 'node:crypto';
import { type UsherError } from '../../errors';
import { Backoff } from '../../rx/backoff';
import { Connection } from './connection';
import { type CredentialFiles, readCredentials } from './credentials';
import { withDeadline } from './deadline';
import { MQTT_LIMITS } from '../topics/limits';
import { type BrokerKeys, explainBrokerProblem } from './problems';
import { type InboundPacket, type Will } from '../topics/wire';

export interface LinkOptions extends CredentialFiles {
  readonly url: string;
  readonly username?: string | undefined;
  /**
   * For the broker's log. The whole identifier cannot be guessed, so no other client can take over the connection with
   * it.
   */
  readonly clientId: string;
  /** Where the operator gave address and credentials, for messages. */
  readonly named?: BrokerKeys;
  readonly protocolVersion: 4 | 5;
  readonly limits: LinkLimits;
  readonly random: () => number;
  /** See `ConnectionSettings`. */
  readonly admit?: (topic: string) => boolean;
}

export type LinkLimits = Readonly<
  Record<'keepaliveSeconds' | 'connectMs' | 'backoffMinMs' | 'backoffMaxMs' | 'settledMs' | 'stopMs', number>
>;

export interface LinkHealth {
  readonly state: 'stopped' | 'connecting' | 'connected' | 'failed';
  /** What is wrong and what to do about it; may be set while connected (a refused subscription). */
  readonly problem: UsherError | null;
}

export interface LinkEvents {
  /** Called before every attempt: each connection has its own last will. */
  will(): Will | null;
  up(connection: Connection): void;
  message(packet: InboundPacket): void;
  changed(health: LinkHealth): void;
  /** A connection that was up has ended. */
  down?(): void;
}

/**
 * Keeps a connection to one broker: attempts with jittered backoff for as long as it is wanted, whatever the reason of the last
 * failure (a wrong password may be corrected, a broker may come back), and says what that reason is.
 *
 * Invariants: at most one `Connection` and one timer for the next attempt; none of either after `stop()`.
 */
export class Link {
  private readonly options: LinkOptions;
  private readonly events: LinkEvents;
  private readonly backoff: Backoff;
  private readonly clientId: string;
  private connection: Connection | null = null;
  private wanted = false;
  private attemptTimer: NodeJS.Timeout | null = null;
  private settleTimer: NodeJS.Timeout | null = null;
  private stopping: Promise<void> | null = null;
  /** What the owner found wrong with the present connection. */
  private complaint: UsherError | null = null;
  private reported: LinkHealth = { state: 'stopped', problem: null };

  constructor(options: LinkOptions, events: LinkEvents) {
    this.options = options;
    this.events = events;
    this.clientId = `${options.clientId}-${randomBytes(8).toString('hex')}`;
    this.backoff = new Backoff(options.limits.backoffMinMs, options.limits.backoffMaxMs, options.random);
  }

  get health(): LinkHealth {
    return this.reported;
  }

  /** The connection while it stands. */
  get live(): Connection | null {
    return this.connection?.connected === true ? this.connection : null;
  }

  start(): void {
    if (this.wanted) return;
    this.wanted = true;
    this.stopping = null;
    this.report('connecting', null);
    void this.attempt();
  }

  /** Ends for good within `stopMs`; `farewell` may still send. */
  stop(farewell: (connection: Connection) => Promise<void>): Promise<void> {
    this.stopping ??= this.end(farewell);
    return this.stopping;
  }

  /** Gives up this connection for a new one, with a new last will. */
  renew(problem: UsherError): void {
    this.complaint = problem;
    this.connection?.drop();
  }

  /** Ends a wait between two attempts: there is a sign that the broker is back. */
  tryNow(): void {
    if (this.attemptTimer === null || !this.wanted) return;
    clearTimeout(this.attemptTimer);
    void this.attempt();
  }

  /** Reports what is wrong with a connection that stands all the same. */
  complain(cause: unknown): void {
    if (this.live === null) return;
    this.complaint = explainBrokerProblem(cause, this.options.url, this.options.named);
    this.report('connected', this.complaint);
  }

  private async attempt(): Promise<void> {
    this.attemptTimer = null;
    this.complaint = null;
    const { url, username, protocolVersion, limits, admit } = this.options;
    let connection: Connection;
    try {
      const credentials = await readCredentials(this.options, this.options.named);
      if (!this.wanted) return;
      connection = new Connection(
        {
          ...credentials,
          ...(username === undefined ? {} : { username }),
          url,
          clientId: this.clientId,
          admit,
          protocolVersion,
          keepaliveSeconds: limits.keepaliveSeconds,
          connectMs: limits.connectMs,
          maxPacketBytes: MQTT_LIMITS.clientPacketBytes,
          will: this.events.will(),
        },
        {
          up: () => this.up(connection),
          message: (packet) => this.events.message(packet),
          down: (cause) => this.down(connection, cause),
        },
      );
    } catch (error) {
      this.retry(error);
      return;
    }
    this.connection = connection;
    connection.open();
  }

  private up(connection: Connection): void {
    this.settleTimer = setTimeout(() => this.backoff.reset(), this.options.limits.settledMs);
    this.report('connected', null);
    this.events.up(connection);
  }

  private down(connection: Connection, cause: unknown): void {
    if (this.connection !== connection) return;
    this.connection = null;
    if (this.settleTimer !== null) clearTimeout(this.settleTimer);
    this.events.down?.();
    if (this.wanted) this.retry(cause);
  }

  private retry(cause: unknown): void {
    if (!this.wanted) return;
    // A plain close after a complaint (renewed on purpose, or cut after a refusal) is explained by it.
    const known = cause === null ? this.complaint : null;
    this.report('failed', known ?? explainBrokerProblem(cause, this.options.url, this.options.named));
    this.attemptTimer = setTimeout(() => void this.attempt(), this.backoff.next());
  }

  private async end(farewell: (connection: Connection) => Promise<void>): Promise<void> {
    this.wanted = false;
    if (this.attemptTimer !== null) clearTimeout(this.attemptTimer);
    const connection = this.connection;
    if (connection !== null) {
      const goodbye = async (): Promise<void> => {
        if (connection.connected) await farewell(connection);
        await connection.close();
      };
      const done = goodbye().catch(() => undefined);
      await withDeadline(this.options.limits.stopMs, done, () => undefined);
      connection.drop();
    }
    this.report('stopped', null);
  }

  private report(state: LinkHealth['state'], problem: UsherError | null): void {
    if (this.reported.state === state && this.reported.problem?.message === problem?.message) return;
    this.reported = { state, problem };
    this.events.changed(this.reported);
  }
}
