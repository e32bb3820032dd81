/** Looks which objects a CPE has, with the aliases of their instances and the devices behind it, and stores what it finds. */
import type { Inventory } from '../../src/management/adapter.ts';
import type { Failure } from '../../src/management/outcome.ts';
import { withAliases } from './aliases.ts';
import type { Channel } from './channel.ts';
import type { CpeRecord } from './cpe-record.ts';
import { discoverObjects } from './discovery.ts';
import { readFacts } from './facts.ts';
import type { Leg } from './leg.ts';
import { proxiedSightings, splitInventory } from './proxied.ts';
import { readValues } from './reading.ts';

/** @param isStillSo false: the CPE has told meanwhile that its objects have changed */
export async function searchObjects(
  leg: Leg,
  record: CpeRecord,
  channel: Channel,
  isStillSo: () => boolean,
): Promise<void> {
  const { context, settings } = leg;
  const { device, facts } = record;
  const { objects, stopped } = await discoverObjects(channel, settings.objects, facts.root);
  if (stopped) return tellStopped(leg, record, stopped);
  const { own, proxied } = splitInventory(objects);
  const behind = await proxiedSightings(channel, proxied, device.identity);
  if (behind.stopped) return tellStopped(leg, record, behind.stopped);
  const named = facts.aliases ? await withAliases(channel, own) : { objects: own };
  if (named.stopped) return tellStopped(leg, record, named.stopped);
  const modelPath = `${facts.root}DeviceInfo.ModelName`;
  const names = channel.knowledge.isUnknown(modelPath) ? [] : [modelPath];
  const model = (await readValues(channel, names)).values.get(modelPath)?.value;
  facts.discovered = isStillSo();
  const inventory: Inventory = { ...device.inventory, objects: named.objects, ...(model ? { model } : {}) };
  await record.noteInventory(inventory, facts);
  for (const sighting of behind.sightings) {
    const known = await context.deviceByIdentity(sighting.identity);
    // One that opens sessions of its own tells more of itself than its entry does.
    if (known && readFacts(known.facts)) continue;
    await context.deviceSeen(sighting);
  }
}

/** What it would not say now may be there all the same. */
function tellStopped({ context }: Leg, { id }: CpeRecord, { explanation, evidence }: Failure): void {
  const why = evidence ?? explanation;
  context.log.info({ device: id, why }, 'the objects of a CPE are looked for again in its next session');
  context.trace.record(id, {
    direction: 'note',
    summary: `objects are looked for again in the next session: ${why}`,
  });
}
