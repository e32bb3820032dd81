/** A generic alert that the client owes the server (DM Protocol 1.2, 8.7). It stays until the server has taken it. */
export interface GenericAlert {
  /** 1226, or 1224 for what the client says of itself. */
  code: number;
  type: string;
  format?: string;
  mark?: string;
  source?: string;
  target?: string;
  correlator: string;
  data: string;
}

/** What waits to be told, through reboots. */
export class Outbox {
  #waiting: GenericAlert[] = [];

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  get waiting(): readonly GenericAlert[] {
    return this.#waiting;
  }

  add(alert: GenericAlert): void {
    this.#waiting.push(alert);
  }

  taken(alert: GenericAlert): void {
    this.#waiting = this.#waiting.filter((one) => one !== alert);
  }

  clear(): void {
    this.#waiting = [];
  }
}
