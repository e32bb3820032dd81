/** Many CPEs in a store: one comes in through the leg, and its rows are written again with the serial numbers of the others. */
import Libsql from 'libsql';
import { serialOf, urlOf } from './cwmp-strings.ts';

/** Texts of the first CPE that are another one's in its rows. */
type Names = readonly (readonly [first: string, nameOf: (index: number) => string])[];

interface Row {
  [column: string]: string | number | null;
}

/** Ends differ, lengths do not. */
function renamed(key: string): (index: number) => string {
  const length = 7;
  return (index) => key.slice(0, -length) + index.toString(36).padStart(length, '0');
}

/** The gateway that has the file must be down, and CPE 0 the only device. */
export function multiply(file: string, count: number, callPort: number): void {
  const database = new Libsql(file);
  database.exec('PRAGMA journal_mode = WAL');
  const serial = serialOf(0);
  const tables = ['devices', 'resources'].map((name): [string, Row[]] => {
    const rows = database.prepare(`SELECT * FROM ${name} WHERE data LIKE ?`).all(`%${serial}%`) as Row[];
    return [name, rows];
  });
  const [node] = tables[1]![1];
  if (!node) throw new Error('the first CPE has left no node');
  const below = database.prepare('SELECT * FROM resources WHERE parent = ?').all(node['key']) as Row[];
  tables[1]![1] = [node, ...below];
  const keys = tables.flatMap(([, rows]) => rows.map(({ key }) => String(key)));
  const names: Names = [
    [serial, serialOf],
    [`${urlOf(callPort, 0)}"`, (index) => `${urlOf(callPort, index)}"`],
    ...keys.map((key) => [key, renamed(key)] as const),
  ];
  database.exec('BEGIN');
  for (const [name, rows] of tables) {
    for (const row of rows) {
      const columns = Object.keys(row);
      const insert = database.prepare(
        `INSERT INTO ${name} (${columns.map((column) => `"${column}"`).join()}) VALUES (${columns.map(() => '?').join()})`,
      );
      for (let index = 1; index < count; index += 1) {
        insert.run(
          columns.map((column) => (typeof row[column] === 'string' ? as(row[column], names, index) : row[column])),
        );
      }
    }
  }
  database.exec('COMMIT');
  database.close();
}

function as(text: string, names: Names, index: number): string {
  let result = text;
  for (const [first, nameOf] of names) if (result.includes(first)) result = result.replaceAll(first, nameOf(index));
  return result;
}
