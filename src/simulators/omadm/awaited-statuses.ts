import type { ServerStatus } from './message.ts';
import type { Entry } from './replies.ts';

/** Commands of the client that the server has to answer, by message and command. */
export class AwaitedStatuses {
  readonly #waiting = new Map<string, Entry>();
  readonly #complain: (sentence: string) => void;

  constructor(complain: (sentence: string) => void) {
    this.#complain = complain;
  }

  /** What a message has brought to the server, by CmdID. */
  sent(message: number, entries: ReadonlyMap<string, Entry>): void {
    for (const [id, entry] of entries) if (entry.name !== 'Status') this.#waiting.set(`${message}/${id}`, entry);
  }

  /** The Statuses of one message; `challenge` is the code that all of them have when the client has to prove itself first. */
  hear(statuses: readonly ServerStatus[], challenge: number | undefined): void {
    const answered = new Set<string>();
    for (const status of statuses) {
      if (status.commandRef === '0') continue;
      const key = `${status.messageRef}/${status.commandRef}`;
      const entry = this.#waiting.get(key);
      if (!entry) {
        // One for each Item is allowed.
        if (!answered.has(key)) this.#complain(`a Status answers ${key}, which nobody has sent`);
        continue;
      }
      if (entry.name !== status.answered)
        this.#complain(`a Status for ${entry.name} says ${status.answered || '(none)'}`);
      if (challenge !== undefined && status.code !== challenge)
        this.#complain(`a challenge with ${challenge} comes with ${status.code} for ${entry.name}`);
      answered.add(key);
      this.#waiting.delete(key);
      if (challenge === undefined) entry.answered?.(status.code);
    }
  }

  /** The server's package has ended: everything was to be answered, but for Results. */
  end(): void {
    for (const [key, entry] of this.#waiting)
      if (entry.name !== 'Results') this.#complain(`there is no Status for ${entry.name} ${key}`);
    this.#waiting.clear();
  }
}
