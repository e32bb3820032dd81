/** Devices for the admin interface: read from the store, presence as the registry knows it now. */
import type { DeviceDirectory, DeviceSummary } from './admin/device-routes.ts';
import type { ManagedDevice } from './management/adapter.ts';
import type { ManagementRuntime } from './management/management.ts';
import type { Store } from './store/store.ts';

export function createDeviceDirectory(
  store: Store,
  management: ManagementRuntime,
  cseBaseName: string,
): DeviceDirectory {
  async function summaryOf(id: string): Promise<DeviceSummary | undefined> {
    const device = await management.device(id);
    return device && summarize(device);
  }

  async function idOf(name: string): Promise<string | undefined> {
    if (await management.device(name)) return name;
    const byIdentity = await store.find({
      table: 'devices',
      where: [{ column: 'identity', is: '=', value: name }],
      limit: 1,
    });
    if (byIdentity[0]) return byIdentity[0].key;
    const byNode = (await management.deviceByNode(name))?.id;
    if (byNode) return byNode;
    const nodes = await store.find({
      table: 'resources',
      where: [{ column: 'path', is: 'in', value: [name, `${cseBaseName}/${name}`] }],
      limit: 1,
    });
    return nodes[0] && (await management.deviceByNode(nodes[0].key))?.id;
  }

  return {
    async list(limit, after) {
      const rows = await store.find({
        table: 'devices',
        where: after === undefined ? [] : [{ column: 'key', is: '>', value: after }],
        orderBy: [{ column: 'key' }],
        limit,
      });
      const summaries = await Promise.all(rows.map((row) => summaryOf(row.key)));
      return summaries.filter((summary) => summary !== undefined);
    },
    async find(name) {
      const id = await idOf(name);
      return id === undefined ? undefined : summaryOf(id);
    },
    trace: (id) => management.traceOf(id).map((line) => ({ ...line, at: new Date(line.at).toISOString() })),
    remove: (id) => management.forget(id),
  };
}

function summarize(device: ManagedDevice): DeviceSummary {
  const { id, technology, identity, node, presence } = device;
  return { id, technology, identity, node, presence };
}
