/** Every bound of the MQTT layer, in one place. Bytes are bytes on the wire, times are milliseconds unless the name says otherwise. */
export const MQTT_LIMITS = {
  /** Largest payload that is parsed; a swipe or a command is a few hundred bytes. */
  payloadBytes: 16 * 1024,
  /** Deepest nesting of arrays and objects in a payload. */
  payloadDepth: 16,
  /** Largest packet that a connection to a broker takes in before it is cut: MQTT 3.1.1 itself allows 256 MB. */
  clientPacketBytes: 256 * 1024,
  /** Logged events that wait in memory for the broker. The oldest goes first when it is full, and is counted. */
  queuedEvents: 1000,
  /** Unsent bytes in the socket beyond which the network counts as stalled and momentary events are dropped. */
  stalledBytes: 64 * 1024,
  /** Waits between attempts to reach the broker: full jitter under a doubling ceiling. */
  backoffMinMs: 250,
  backoffMaxMs: 30_000,
  /** A connection that lasted so long counts as a success, and the next wait starts small again. */
  settledMs: 5000,
  connectMs: 10_000,
  /** PINGREQ interval; a dead peer is noticed after 1.5 times this. */
  keepaliveSeconds: 15,
  /** A correction of our own status topic is made at most this often, so that two devices of one name cannot spin. */
  statusRepairMs: 500,
  stopMs: 2000,
  /** If the door's own connection is lost for longer, the main one receives swipes. */
  doorStandInMs: 1000,
  /**
   * A connection that falls so soon after the other one rose was cut for it. After so many within the time that it is remembered,
   * the door's connection is given up for a while.
   */
  rivalMs: 1500,
  rivalries: 3,
  rivalMemoryMs: 60_000,
  doorLineRetryMs: 600_000,
  /** What this device published must come back within so long. */
  echoMs: 5000,
  /** So often an event is sent to a broker that has never given a sign, before it counts as delivered without one. */
  unconfirmedTries: 3,
  /** So long an event is held back for a broker that gives signs no more. */
  swallowedHoldMs: 3_600_000,
  /**
   * A message counts as too large when so many connections in a row ended within the time after it was sent, and is not sent for
   * `tooLargeMs` then. Smaller ones are not suspected.
   */
  cutTries: 5,
  cutMs: 2000,
  suspectBytes: 1024,
  tooLargeMs: 3_600_000,
  /** How often dropped messages are looked at, and how long nothing must be dropped until a flood counts as over. */
  floodCheckMs: 250,
  floodOverMs: 500,
  /** A swipe's time may differ from ours by this much. */
  swipeFreshMs: 10_000,
  /** Swipes remembered to refuse a second copy; when full, swipes are refused rather than forgotten. */
  swipesRemembered: 4096,
  commandMs: 30_000,
  commandsAtOnce: 4,
  commandsRemembered: 256,
} as const;

/**
 * Messages that are taken in, before anything of them is decoded; what is above is dropped. For each topic that is known: reader,
 * contact, verb, group.
 */
export const INBOUND_RATES = {
  swipe: { burst: 40, everyMs: 50 },
  contact: { burst: 40, everyMs: 50 },
  command: { burst: 20, everyMs: 200 },
  updateDesired: { burst: 10, everyMs: 200 },
  fleetDesired: { burst: 10, everyMs: 200 },
  /** Chunks of a file, which the box requests one by one. */
  updateData: { burst: 1000, everyMs: 1 },
  /** What this box said itself, as it comes back. */
  own: { burst: 1000, everyMs: 2 },
  /** Topics that are not configured; those with the same beginning share one limit. */
  unknown: { burst: 40, everyMs: 100 },
} as const;

/** What the embedded broker takes of the machine, and what one client may take of the broker. */
export const BROKER_LIMITS = {
  packetBytes: 256 * 1024,
  /** Clients; those of usher itself (boxes, actuators, tools) have places of their own. */
  places: 40,
  ownPlaces: 24,
  /** Connections that have not said who they are: of more, the oldest goes. */
  unnamed: 32,
  connectMs: 5000,
  /** A connection on which nothing moves for so long is cut; a client with a shorter keepalive pings before. */
  idleMs: 600_000,
  /** A client that does not read for so long is cut: what is for it would hold up what is for others. */
  drainMs: 2000,
  sweepMs: 500,
  publishes: { burst: 5000, everyMs: 0.5 },
  subscriptions: 128,
  filterLength: 512,
  /** Retained messages, topics included: of one client, of all, and what is kept free for the box itself. */
  retainedBytesOfOne: 4 * 1024 * 1024,
  retainedBytes: 16 * 1024 * 1024,
  retainedBytesOwn: 4 * 1024 * 1024,
  retainedMessages: 4000,
  retainedMessagesOwn: 1000,
  /** Sessions that outlast their connection, and what waits for each of them. */
  lastingSessions: 16,
  queuedMessages: 1000,
  queuedBytes: 1024 * 1024,
} as const;

/**
 * How often a command is carried out, by verb. Unsigned verbs come from any client that may write the topic: those that
 * interrupt something are rare enough that they cannot keep a door shut, and frequent enough for a person who looks for
 * a fault.
 */
export const COMMAND_LIMITS = {
  /** Verbs that only read. */
  plain: { burst: 20, everyMs: 200 },
  /** Verbs that need a signature. */
  signed: { burst: 20, everyMs: 200 },
  /** A camera or microphone is away for some seconds at each restart. Counted for each device. */
  restart: { burst: 3, everyMs: 300_000 },
  /** Reads all members again, which takes a moment with many of them. */
  reload: { burst: 5, everyMs: 30_000 },
} as const;
