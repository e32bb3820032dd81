/** Rows as the engines read them (`key, version, …columns, data`) ⇄ rows of the contract. */
import type { TableFacts } from './schema.ts';
import type { Columns, ColumnValue, Row } from './store.ts';

/** The document of a row is what the caller once put there: its type is the caller's knowledge. */
export function toRow<Data>(facts: TableFacts, values: ColumnValue[]): Row<Data> {
  const columns: Columns = {};
  for (const [at, name] of facts.columnNames.entries()) columns[name] = values[at + 2] ?? null;
  return {
    key: String(values[0]),
    version: Number(values[1]),
    columns,
    data: JSON.parse(String(values[values.length - 1])),
  };
}
