import type { Workshop } from './firmware.ts';

/** What changes on a device that nobody touches: the battery drains and is charged again, memory and radio move. */
export function live(workshop: Workshop, random: () => number): void {
  const { scale, timers, tree, journal } = workshop;
  const number = (path: number[]): number => Number(tree.get(path) ?? 0);
  const tick = (): void => {
    const level = number([3, 0, 9]);
    const charging = tree.get([3, 0, 20]) === 1;
    const next = charging ? Math.min(100, level + 5) : Math.max(5, level - 1);
    if (tree.get([3, 0, 9]) !== undefined) tree.set([3, 0, 9], next);
    if (tree.get([3, 0, 20]) !== undefined) {
      if (next <= 5) tree.set([3, 0, 20], 1);
      else if (next >= 100 && charging) tree.set([3, 0, 20], 0);
    }
    if (next !== level) journal.tell('life', `battery at ${next} %${charging ? ', charging' : ''}`, { path: '/3/0/9' });
    if (tree.get([3, 0, 10]) !== undefined) {
      tree.set([3, 0, 10], Math.round(Math.min(60_000, Math.max(8_000, number([3, 0, 10]) + (random() - 0.5) * 512))));
    }
    if (tree.get([4, 0, 2]) !== undefined) {
      tree.set([4, 0, 2], Math.round(Math.min(-50, Math.max(-110, number([4, 0, 2]) + (random() - 0.5) * 4))));
    }
    timers.after(scale(20), tick);
  };
  timers.after(scale(20), tick);
}

/** The clock, the error list, the capabilities and the event log. */
export function installBehaviour(workshop: Workshop): void {
  const { hooks, journal, tree } = workshop;
  let offset = 0;
  tree.live('/3/0/13', () => Math.floor(Date.now() / 1000) + offset);
  hooks.writes.set('3/13', {
    apply: (_, value) => {
      offset = Number(value) - Math.floor(Date.now() / 1000);
      return true;
    },
  });
  hooks.executes.set('3/12', () => {
    tree.set([3, 0, 11], { 0: 0 });
    return undefined;
  });
  hooks.executes.set('15/5', (instance) => () => tree.set([15, instance, 4], true));
  hooks.executes.set('15/6', (instance) => () => tree.set([15, instance, 4], false));
  // LogStatus: bit 0 stopped, bit 1 data valid, bit 2 error (Event Log object).
  hooks.executes.set('20/4011', (instance) => {
    tree.set([20, instance, 4013], 0);
    tree.set([20, instance, 4014], Buffer.alloc(0));
    return undefined;
  });
  hooks.executes.set('20/4012', (instance) => {
    const lines = journal.entries
      .slice(-20)
      .map((entry) => `${new Date(entry.at).toISOString()} ${entry.kind} ${entry.path ?? ''}`);
    tree.set([20, instance, 4014], Buffer.from(`${lines.join('\n')}\n`));
    tree.set([20, instance, 4013], 3);
    return undefined;
  });
}
