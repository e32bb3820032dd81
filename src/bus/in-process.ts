/** The bus of one process: a wake-up is delivered in a turn of its own, never in the publisher's stack. */
import type { Log } from '../support/log.ts';
import type { Bus } from './bus.ts';

type Receive = (ids: string[]) => void;

/** @param log where a subscriber's exception goes */
export function createInProcessBus(log: Log): Bus {
  const topics = new Map<string, Set<Receive>>();
  let waiting: { topic: string; ids: string[] }[] = [];
  let whenDelivered: (() => void)[] = [];
  let closed = false;

  const deliver = (): void => {
    const messages = waiting;
    waiting = [];
    for (const { topic, ids } of messages) {
      // A copy, for a subscriber may end its own or another subscription.
      for (const receive of Array.from(topics.get(topic) ?? [])) {
        if (!topics.get(topic)?.has(receive)) continue;
        try {
          receive(ids);
        } catch (error) {
          log.error({ err: error, topic, ids }, 'a subscriber of the bus failed');
        }
      }
    }
    if (waiting.length === 0) for (const resolve of whenDelivered.splice(0)) resolve();
  };

  return {
    publish(topic, ids) {
      // Nobody there: every waiter looks at the store at its deadline.
      if (closed || !topics.has(topic)) return;
      waiting.push({ topic, ids: [...ids] });
      if (waiting.length === 1) setImmediate(deliver);
    },
    subscribe(topic, receive) {
      // One function may subscribe twice; each subscription ends by itself.
      const own: Receive = (ids) => receive(ids);
      const subscribers = topics.get(topic) ?? new Set();
      subscribers.add(own);
      topics.set(topic, subscribers);
      return () => {
        subscribers.delete(own);
        if (subscribers.size === 0 && topics.get(topic) === subscribers) topics.delete(topic);
      };
    },
    async close() {
      closed = true;
      if (waiting.length > 0) await new Promise<void>((resolve) => whenDelivered.push(resolve));
      topics.clear();
    },
  };
}
