/** Names of instances that outlive their numbers: `Alias`, where a CPE offers Alias-Based Addressing (TR-069 3.6.1). */
import type { InventoryObject } from '../../src/management/adapter.ts';
import type { Channel } from './channel.ts';
import type { Failure } from '../../src/management/outcome.ts';
import { readValues } from './reading.ts';

const instance = /\.\d+\.$/;

export interface Named {
  objects: InventoryObject[];
  /** The CPE fell silent: nothing is certain. */
  stopped?: Failure;
}

/** One instance of each table is asked first: many tables have no aliases, and those of a model are remembered. */
export async function withAliases(channel: Channel, objects: InventoryObject[]): Promise<Named> {
  const tables = new Map<string, string[]>();
  for (const { path } of objects) {
    if (!instance.test(path)) continue;
    const name = `${path.replaceAll(/\.\d+(?=\.)/g, '.{i}')}Alias`;
    if (!channel.knowledge.isUnknown(name)) tables.set(name, [...(tables.get(name) ?? []), `${path}Alias`]);
  }
  const heads = [...tables.values()].map(([first]) => first!);
  const first = await readValues(channel, heads);
  if (first.stopped) return { objects, stopped: first.stopped };
  const others: string[] = [];
  for (const [name, [head, ...rest]] of tables) {
    if (first.values.has(head!)) others.push(...rest);
    else channel.knowledge.learnUnknown(name);
  }
  const more = await readValues(channel, others);
  if (more.stopped) return { objects, stopped: more.stopped };
  return {
    objects: objects.map((object) => {
      const name = `${object.path}Alias`;
      const alias = (first.values.get(name) ?? more.values.get(name))?.value.trim();
      return alias ? { ...object, alias } : object;
    }),
  };
}
