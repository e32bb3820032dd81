/** What a message may be at most, so that nothing that a peer sends can take the memory or the time of the gateway. */
export interface SyncmlLimits {
  /** Octets of the message, and of what the strings of a WBXML string table come to where they are used. */
  octets: number;
  /** Elements within one another. */
  depth: number;
  items: number;
  elements: number;
  /** Of one element. */
  attributes: number;
}

export const defaultSyncmlLimits: Readonly<SyncmlLimits> = Object.freeze({
  octets: 1024 * 1024,
  depth: 32,
  items: 4096,
  elements: 65_536,
  attributes: 32,
});
