import { decode } from '../../mqtt/topics/decode';
import {
  ActivationPayload,
  DecisionPayload,
  DoorStatePayload,
  HealthPayload,
  ModelStatePayload,
  UnlockPayload,
  WordsStatePayload,
} from '../../mqtt/topics/payloads';

/** What a client on MQTT sees of usher: one line a message for people, and whether the demo showed what it should. */
export class Timeline {
  private strangerRefused = false;
  /** Decisions that admitted this member, and decisions that an unlock named. The two arrive in either order. */
  private readonly grants = new Set<string>();
  private readonly unlocks = new Set<string>();
  /** Microphones that listen, and those that detected their word. */
  private readonly listening = new Set<string>();
  private readonly activated = new Set<string>();

  constructor(
    private readonly member: string,
    private readonly elapsedMs: () => number,
    private readonly say: (line: string) => void,
  ) {}

  clock(): string {
    return `${(this.elapsedMs() / 1000).toFixed(1).padStart(6)} s`;
  }

  hear(topic: string, payload: Uint8Array): void {
    const kind = topic.split('/').slice(4).join('/');
    if (/^event\/[^/]+\/decision$/.test(kind)) this.onDecision(payload);
    else if (/^event\/[^/]+\/unlock$/.test(kind)) this.onUnlock(payload);
    else if (/^event\/[^/]+\/activation$/.test(kind)) this.onActivation(payload);
    else this.tell(kind, payload);
  }

  /** @param withStranger the recording shows a stranger first; a user's own clip may not */
  result(withStranger: boolean): { refused: boolean; unlocked: boolean; passed: boolean } {
    const refused = this.strangerRefused;
    const unlocked = [...this.unlocks].some((decision) => this.grants.has(decision));
    return { refused, unlocked, passed: unlocked && (refused || !withStranger) };
  }

  /** @returns whether the word was detected in one room, and whether the other microphone listened and stayed silent */
  hearing({ word, nearMiss }: { word: string; nearMiss: string }): { heard: boolean; silent: boolean } {
    return { heard: this.activated.has(word), silent: this.listening.has(nearMiss) && !this.activated.has(nearMiss) };
  }

  private onDecision(payload: Uint8Array): void {
    const heard = decode(DecisionPayload, payload);
    if (!heard.ok) return this.line(`invalid decision: ${heard.reason}`);
    const { outcome, reason, member, decision, votes, distance, threshold } = heard.value;
    if (outcome === 'granted' && member === this.member) this.grants.add(decision);
    // The stranger comes first: a refusal after an unlock would be the member's own.
    if (outcome === 'denied' && reason === 'unknown-face' && this.unlocks.size === 0) this.strangerRefused = true;
    const numbers =
      distance === null ? '' : ` (distance ${distance.toFixed(2)}, allowed ${(threshold ?? 0).toFixed(2)})`;
    this.line(
      outcome === 'granted'
        ? `✔ granted: ${member ?? ''}, ${votes} frames agree${numbers}`
        : `✘ denied: ${reason}${numbers}`,
    );
  }

  private onUnlock(payload: Uint8Array): void {
    const heard = decode(UnlockPayload, payload);
    if (!heard.ok) return this.line(`invalid unlock: ${heard.reason}`);
    const { decision, durationMs, door } = heard.value;
    this.unlocks.add(decision);
    this.line(`🔓 unlock ${door} for ${durationMs} ms`);
  }

  private onActivation(payload: Uint8Array): void {
    const heard = decode(ActivationPayload, payload);
    if (!heard.ok) return this.line(`invalid activation: ${heard.reason}`);
    const { microphone, word, score } = heard.value;
    this.activated.add(microphone);
    this.line(`🎤 heard “${word}” in ${microphone} (score ${score.toFixed(2)})`);
  }

  private tell(kind: string, payload: Uint8Array): void {
    if (kind.startsWith('state/door/')) {
      const heard = decode(DoorStatePayload, payload);
      if (heard.ok) this.line(`door ${heard.value.door}: ${heard.value.state}`);
    } else if (kind.startsWith('state/model/')) {
      const heard = decode(ModelStatePayload, payload);
      if (heard.ok)
        this.line(`models: ${heard.value.models.map(({ name, provider }) => `${name} on ${provider}`).join(', ')}`);
    } else if (kind.startsWith('state/words/')) {
      const heard = decode(WordsStatePayload, payload);
      if (heard.ok) this.line(`${heard.value.microphone} listens for ${heard.value.words.join(', ')}`);
    } else if (kind.startsWith('health/')) this.onHealth(payload);
  }

  private onHealth(payload: Uint8Array): void {
    const heard = decode(HealthPayload, payload);
    if (!heard.ok) return;
    const { component, state, detail } = heard.value;
    if (state === 'ok') this.listening.add(component);
    else this.line(`${component}: ${state}${detail === null ? '' : `, ${detail}`}`);
  }

  private line(text: string): void {
    this.say(`${this.clock()}  ${text}`);
  }
}
