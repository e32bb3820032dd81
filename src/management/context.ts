/** What a leg sees of device management. */
import { Conflict, type Store } from '../store/store.ts';
import {
  Withdrawn,
  type AdapterContext,
  type ArtifactSource,
  type CredentialSource,
  type NoteStore,
} from './adapter.ts';
import type { Core } from './core.ts';
import { isUnknown } from './evidence.ts';
import { awaitsReturn } from './execution-marks.ts';
import { openLaneSession } from './lane-session.ts';
import { wishOf } from './observations.ts';
import { report } from './reports.ts';
import { accept, progress, settle } from './settlement.ts';
import { deviceGone, deviceRenewed, deviceSeen } from './sightings.ts';

export function contextFor(
  core: Core,
  technology: string,
  sources: { artifacts: ArtifactSource; credentials: CredentialSource },
): AdapterContext {
  return {
    deviceSeen: (sighting) => deviceSeen(core, sighting),
    deviceRenewed: (id, presence) => deviceRenewed(core, id, presence),
    deviceHeard: (id) => core.devices.heard(id),
    deviceGone: (id, why) => deviceGone(core, id, why),
    device: async (id) => (await core.devices.find(id))?.device,
    deviceByIdentity: async (identity) => (await core.devices.findByIdentity(technology, identity))?.device,
    devices: () => core.devices.all(technology),
    report: (id, event) => report(core, id, event),
    async remember(id, facts) {
      const entry = await core.devices.find(id);
      if (entry) await core.devices.change(entry, { facts });
    },
    async openSession(id, onWork) {
      const entry = await core.devices.find(id);
      if (!entry)
        throw new Error(`a session of device ${id} cannot be opened: it is not known; report it by deviceSeen first`);
      return openLaneSession(core, entry, onWork);
    },
    hasWork: (id) => (core.lanes.existing(core.devices.known(id)?.device.lane ?? id)?.queue.length ?? 0) > 0,
    async pending(id, correlator) {
      return core.lanes
        .outstanding(id)
        .map(({ operation }) => operation)
        .filter((operation) => operation.state === 'accepted' && !awaitsReturn(operation))
        .filter(({ pending }) => (correlator ?? pending?.correlator) === pending?.correlator);
    },
    async unanswered(id) {
      return core.lanes
        .outstanding(id)
        .filter(({ operation }) => isUnknown(operation))
        .map(({ operation }) => operation);
    },
    takeUp: (operation, pending) =>
      isUnknown(operation) ? accept(core, operation, pending) : Promise.reject(new Withdrawn(operation.id)),
    progress: (operation, pending, values) => progress(core, operation, pending, values),
    settle: (operation, outcome) => settle(core, operation, outcome),
    wish: (id) => wishOf(core, id),
    observing(id, paths) {
      const entry = core.devices.known(id);
      if (entry) entry.observed = [...paths];
    },
    async profile(id) {
      const entry = await core.devices.find(id);
      return entry ? core.translator.profileSettings(core.translator.profilesFor(entry.device)) : {};
    },
    now: () => core.clock.now(),
    clock: core.clock,
    log: core.log.child({ leg: technology }),
    metrics: core.metrics,
    trace: core.trace,
    artifacts: sources.artifacts,
    credentials: sources.credentials,
    notes: notesOf(core.store, technology),
  };
}

function notesOf(store: Store, technology: string): NoteStore {
  const keyOf = (name: string): string => `${technology} ${name}`;
  return {
    async read(name) {
      const row = await store.get('notes', keyOf(name));
      return row && { value: row.data, version: row.version };
    },
    async write(name, version, value) {
      const table = 'notes';
      const key = keyOf(name);
      try {
        await store.commit({ expect: [{ table, key, version }], put: [{ table, key, data: value }] });
        return true;
      } catch (error) {
        if (error instanceof Conflict) return false;
        throw error;
      }
    },
  };
}
