/** A process of its own that writes a small, a large and another small row, and prints how each ended. Argument: the file. */
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import { silentLog } from '../../src/support/log.ts';

const store = await openSqliteStore({ file: process.argv[2] ?? '', log: silentLog });
for (const [key, size] of [
  ['small', 100],
  ['large', 8_000_000],
  ['another', 100],
] as const) {
  const result = await store.commit({ put: [{ table: 'settings', key, data: 'x'.repeat(size) }] }).then(
    () => 'written',
    (error: Error) => error.message,
  );
  console.log(`${key}: ${result}`);
}
await store.close();
