/** Removes what has expired, in chunks, with the notifications that a deletion causes (TS-0001 9.6.1.3.1). */
import type { Resource } from '../onem2m/resource.ts';
import type { CseParts } from './parts.ts';
import { hasExpired } from './resource-row.ts';

export interface Expiration {
  start(): void;
  stop(): Promise<void>;
  /** One sweep; answers how many expired resources it found. */
  sweep(): Promise<number>;
}

export function createExpiration(parts: CseParts): Expiration {
  const { tree, clock, settings, log, metrics } = parts;
  let cancel = (): void => {};
  let started = false;
  let ending = false;
  let sweeping: Promise<number> = Promise.resolve(0);

  async function sweep(): Promise<number> {
    let found = 0;
    for (;;) {
      const chunk = await tree.expired(clock.now(), settings.removalChunk);
      for (const resource of chunk) {
        // It may have gone with its parent, or have been given a longer life, since it was found.
        const current = await tree.byId(resource.resourceID);
        const ended = current && (await highestExpired(current));
        if (ended) await parts.removeTree(ended);
      }
      found += chunk.length;
      if (chunk.length < settings.removalChunk || ending) return found;
    }
  }

  /** Its subscribers learn of the end of a resource only when they go with it, not before it. */
  async function highestExpired(resource: Resource): Promise<Resource | undefined> {
    let highest: Resource | undefined;
    for (
      let at: Resource | undefined = resource;
      at;
      at = at.parentID === '' ? undefined : await tree.byId(at.parentID)
    ) {
      if (hasExpired(at, clock.now())) highest = at;
    }
    return highest;
  }

  function schedule(): void {
    cancel = clock.after(settings.sweepInterval, () => {
      sweeping = sweep()
        .catch((error: unknown) => {
          metrics.count('trivet_faults_total', { part: 'cse' });
          log.error({ error }, 'the sweep of expired resources failed; it is tried again at the next one');
          return 0;
        })
        .finally(() => {
          if (!ending) schedule();
        });
    });
  }

  return {
    sweep,
    start() {
      if (started) return;
      started = true;
      schedule();
    },
    async stop() {
      ending = true;
      cancel();
      await sweeping;
    },
  };
}
