/** The declared tables as both engines need them: columns in order, and checks that name a programming error at once. */
import type { ColumnValue, Columns } from './store.ts';
import { tables } from './tables.ts';
import type { ColumnType, Table, TableName } from './tables.ts';

/** NUL and halves of surrogate pairs: no UTF-8 text that both engines keep as it is. */
const UNSTORABLE = /[\0\p{Surrogate}]/u;

export interface TableFacts {
  name: TableName;
  /** Position in `tableList`; what a unit carries instead of the name. */
  index: number;
  /** Numbered by the store (`sequence`), or named by the writer (`text`). */
  numbered: boolean;
  columnNames: string[];
  columnTypes: ColumnType[];
  /** Type of every name that a query may use, `key` included. */
  types: Map<string, ColumnType>;
}

function describe(name: TableName, index: number): TableFacts {
  const definition: Table = tables[name];
  const columnNames = Object.keys(definition.columns);
  const numbered = definition.key === 'sequence';
  return {
    name,
    index,
    numbered,
    columnNames,
    columnTypes: Object.values(definition.columns),
    types: new Map<string, ColumnType>([['key', numbered ? 'integer' : 'text'], ...Object.entries(definition.columns)]),
  };
}

function isTableName(name: string): name is TableName {
  return Object.hasOwn(tables, name);
}

/** Every table in the order of its declaration. */
export const tableList: readonly TableFacts[] = Object.keys(tables).filter(isTableName).map(describe);

const factsByName = new Map<string, TableFacts>(tableList.map((facts) => [facts.name, facts]));

/** @throws TypeError for a table that is not declared in `tables.ts`. */
export function factsOf(table: string): TableFacts {
  const facts = factsByName.get(table);
  if (!facts) throw new TypeError(`unknown table "${table}": declare it in src/store/tables.ts`);
  return facts;
}

/** Table at a position that a unit carries. */
export function tableAt(index: number): TableFacts {
  const facts = tableList[index];
  if (!facts) throw new RangeError(`no table at position ${index}`);
  return facts;
}

/** @throws TypeError for a column that the table does not declare. */
export function typeOfColumn(facts: TableFacts, column: string): ColumnType {
  const type = facts.types.get(column);
  if (!type) throw new TypeError(`unknown column "${column}" of table "${facts.name}": declare it in tables.ts`);
  return type;
}

/**
 * The value as the engines take it.
 * @throws TypeError when it does not have the column's type: integers are safe integers, texts well-formed and free of NUL.
 */
export function checkValue(facts: TableFacts, column: string, type: ColumnType, value: ColumnValue): ColumnValue {
  if (value === null) return value;
  if (type === 'integer') {
    if (typeof value === 'number' && Number.isSafeInteger(value)) return value;
  } else if (typeof value === 'string' && !UNSTORABLE.test(value)) {
    return value;
  }
  throw new TypeError(`${facts.name}.${column} takes ${type}, not ${describeValue(value)}`);
}

function describeValue(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return `${typeof value} ${text.length > 60 ? `${text.slice(0, 60)}…` : text}`;
}

/** Values in the order of declaration; a column left out is null. */
export function columnValues(facts: TableFacts, columns: Columns | undefined): ColumnValue[] {
  if (columns) for (const column of Object.keys(columns)) typeOfColumn(facts, column);
  return facts.columnNames.map((column, at) =>
    checkValue(facts, column, facts.columnTypes[at] ?? 'text', columns?.[column] ?? null),
  );
}

/** The key in the engine's type. @throws TypeError for a key that no row of the table can have. */
export function keyValue(facts: TableFacts, key: string): string | number {
  if (!facts.numbered) {
    if (typeof key === 'string' && key !== '' && !UNSTORABLE.test(key)) return key;
    throw new TypeError(`a key of ${facts.name} is a non-empty text, not ${describeValue(key)}`);
  }
  const number = sequenceNumber(key);
  if (number === undefined) throw new TypeError(`a key of ${facts.name} is a number, not ${describeValue(key)}`);
  return number;
}

/** The number that a key of a numbered table stands for, or undefined: such a row cannot exist. */
export function sequenceNumber(key: string): number | undefined {
  if (!/^[1-9]\d{0,15}$/.test(key)) return undefined;
  const number = Number(key);
  return Number.isSafeInteger(number) ? number : undefined;
}
