/** Wake-ups between parts and processes: ids only. A lost message is harmless, for every waiter also looks at the store at its deadline. */
export interface Bus {
  publish(topic: string, ids: string[]): void;
  /** The answer ends the subscription. A subscriber that throws is logged and does not disturb the others. */
  subscribe(topic: string, receive: (ids: string[]) => void): () => void;
  close(): Promise<void>;
}
