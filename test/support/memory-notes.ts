import type { NoteStore } from '../../src/management/adapter.ts';
import type { Json } from '../../src/onem2m/primitive.ts';

export interface MemoryNotes extends NoteStore {
  /** As a store would find them after a restart. */
  all: Map<string, { value: Json; version: number }>;
  /** Before each write; a test may hold or fail it. */
  beforeWrite: (name: string) => Promise<void> | void;
}

export function createMemoryNotes(): MemoryNotes {
  const all = new Map<string, { value: Json; version: number }>();
  const notes: MemoryNotes = {
    all,
    beforeWrite: () => {},
    read: async (name) => structuredClone(all.get(name)),
    async write(name, version, value) {
      await notes.beforeWrite(name);
      if ((all.get(name)?.version ?? 0) !== version) return false;
      all.set(name, { value: structuredClone(value), version: version + 1 });
      return true;
    },
  };
  return notes;
}
