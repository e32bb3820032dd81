/** A message of ours that is being filled: numbers its commands, and knows how much room is left (DM Representation 1.2.1, MaxMsgSize). */
import { frame, writeCommand } from './syncml/codec.ts';
import type { Encoding } from './syncml/encoding.ts';
import type { Command, Header } from './syncml/message.ts';

export class MessageDraft {
  readonly encoding: Encoding;
  readonly #header: Header;
  readonly #commands: Buffer[] = [];
  readonly #capacity: number;
  #used = 0;
  #ids = 0;

  /** @param maximum octets of the message */
  constructor(header: Header, encoding: Encoding, maximum: number) {
    this.#header = header;
    this.encoding = encoding;
    this.#capacity = maximum - frame(header, [], true, encoding).length;
  }

  get messageId(): string {
    return this.#header.messageId;
  }

  get isEmpty(): boolean {
    return this.#commands.length === 0;
  }

  /** Octets that commands of this message may have together. */
  get capacity(): number {
    return this.#capacity;
  }

  /** Octets that are left. */
  get room(): number {
    return this.#capacity - this.#used;
  }

  /**
   * @param reserve octets that shall be left after it; `force`: it has to go, room or no room
   * @returns undefined: there is no room for it, and nothing has changed
   */
  add<C extends Command>(make: (nextId: () => string) => C, { reserve = 0, force = false } = {}): C | undefined {
    const before = this.#ids;
    const command = make(() => String(++this.#ids));
    const octets = writeCommand(command, this.encoding);
    if (octets.length + reserve > this.room && !force) {
      this.#ids = before;
      return undefined;
    }
    this.#commands.push(octets);
    this.#used += octets.length;
    return command;
  }

  /** Octets that a command would take. */
  measure(make: (nextId: () => string) => Command): number {
    let ids = this.#ids;
    return writeCommand(
      make(() => String(++ids)),
      this.encoding,
    ).length;
  }

  finish(final: boolean): Buffer {
    return frame(this.#header, this.#commands, final, this.encoding);
  }
}
