/** Queries as SQL text with parameters, for both engines. One shape of query gives one text, so statements are prepared once. */
import { checkValue, sequenceNumber, typeOfColumn } from './schema.ts';
import type { TableFacts } from './schema.ts';
import type { ColumnValue, Condition, Query } from './store.ts';

export type Parameter = string | number | (string | number)[];

/** How the two engines differ in a query. */
export interface QueryDialect {
  placeholder(position: number): string;
  /** `column` is one of a list that is one parameter. */
  oneOf(column: string, placeholder: string, type: 'text' | 'integer'): string;
  list(values: (string | number)[]): Parameter;
  /** Nulls come first when ascending, last when descending, on both engines. */
  order(column: string, descending: boolean): string;
}

export const sqliteDialect: QueryDialect = {
  placeholder: () => '?',
  oneOf: (column, placeholder) => `${column} IN (SELECT value FROM json_each(${placeholder}))`,
  list: (values) => JSON.stringify(values),
  order: (column, descending) => `${column} ${descending ? 'DESC' : 'ASC'}`,
};

export const postgresDialect: QueryDialect = {
  placeholder: (position) => `$${position}`,
  oneOf: (column, placeholder, type) => `${column} = ANY(${placeholder}::${type === 'text' ? 'text' : 'bigint'}[])`,
  list: (values) => values,
  order: (column, descending) => `${column} ${descending ? 'DESC NULLS LAST' : 'ASC NULLS FIRST'}`,
};

export interface SqlQuery {
  text: string;
  parameters: Parameter[];
}

export function quote(identifier: string): string {
  return `"${identifier}"`;
}

/** `"key", "version", …columns, "data"`: the order in which rows are read. */
export function selectedColumns(facts: TableFacts): string {
  return ['key', 'version', ...facts.columnNames, 'data'].map(quote).join(', ');
}

/** SQL of `find`. @throws TypeError for unknown columns and values that a column cannot have. */
export function findQuery(dialect: QueryDialect, facts: TableFacts, query: Query, from = quote(facts.name)): SqlQuery {
  const parameters: Parameter[] = [];
  let text = `SELECT ${selectedColumns(facts)} FROM ${from}${whereClause(dialect, facts, query.where, parameters)}`;
  if (query.orderBy?.length) {
    const order = query.orderBy.map(({ column, descending }) => {
      typeOfColumn(facts, column);
      return dialect.order(quote(column), descending === true);
    });
    // The key makes the order total, so that pages neither repeat nor lose a row.
    if (!query.orderBy.some(({ column }) => column === 'key')) order.push(`${quote('key')} ASC`);
    text += ` ORDER BY ${order.join(', ')}`;
  }
  if (query.limit !== undefined) {
    parameters.push(checkCount('limit', query.limit));
    text += ` LIMIT ${dialect.placeholder(parameters.length)}`;
  }
  if (query.offset) {
    // SQLite knows OFFSET only behind LIMIT.
    if (query.limit === undefined) {
      parameters.push(Number.MAX_SAFE_INTEGER);
      text += ` LIMIT ${dialect.placeholder(parameters.length)}`;
    }
    parameters.push(checkCount('offset', query.offset));
    text += ` OFFSET ${dialect.placeholder(parameters.length)}`;
  }
  return { text, parameters };
}

export function countQuery(
  dialect: QueryDialect,
  facts: TableFacts,
  where: Condition[] | undefined,
  from = quote(facts.name),
): SqlQuery {
  const parameters: Parameter[] = [];
  return { text: `SELECT count(*) FROM ${from}${whereClause(dialect, facts, where, parameters)}`, parameters };
}

function checkCount(name: string, value: number): number {
  if (!Number.isSafeInteger(value) || value < 0) throw new TypeError(`${name} is 0 or more, not ${String(value)}`);
  return value;
}

function whereClause(
  dialect: QueryDialect,
  facts: TableFacts,
  where: Condition[] | undefined,
  parameters: Parameter[],
): string {
  if (!where?.length) return '';
  const add = (value: Parameter): string => {
    parameters.push(value);
    return dialect.placeholder(parameters.length);
  };
  return ` WHERE ${where.map((condition) => conditionSql(dialect, facts, condition, add)).join(' AND ')}`;
}

function conditionSql(
  dialect: QueryDialect,
  facts: TableFacts,
  { column, is, value }: Condition,
  add: (value: Parameter) => string,
): string {
  const type = typeOfColumn(facts, column);
  const name = quote(column);
  // A number's key is text in rows, so a condition may have it either way.
  const convert = (given: ColumnValue): ColumnValue =>
    column === 'key' && facts.numbered && typeof given === 'string'
      ? (sequenceNumber(given) ?? (given === '0' ? 0 : given))
      : given;
  const single = (given: ColumnValue | undefined): string | number => {
    const checked = checkValue(facts, column, type, convert(given ?? null));
    if (checked === null) throw new TypeError(`null cannot be compared with "${is}" (${facts.name}.${column})`);
    return checked;
  };
  if (is === 'in') {
    if (!Array.isArray(value)) throw new TypeError(`"in" takes a list (${facts.name}.${column})`);
    return dialect.oneOf(name, add(dialect.list(value.map(single))), type);
  }
  if (Array.isArray(value)) throw new TypeError(`"${is}" takes one value (${facts.name}.${column})`);
  if (is === 'prefix') {
    const prefix = single(value);
    if (typeof prefix !== 'string') throw new TypeError(`"prefix" is for texts (${facts.name}.${column})`);
    const end = afterPrefix(prefix);
    const from = `${name} >= ${add(prefix)}`;
    return end === undefined ? from : `${from} AND ${name} < ${add(end)}`;
  }
  if (is === '=' && value === null) return `${name} IS NULL`;
  return `${name} ${is} ${add(single(value))}`;
}

/**
 * The first text, in order of code points, behind all that start with `prefix`; undefined when there is none. Both engines
 * compare the UTF-8 octets, whose order is that of the code points; a range, unlike LIKE, knows no special characters.
 */
export function afterPrefix(prefix: string): string | undefined {
  const points = Array.from(prefix, (character) => character.codePointAt(0) ?? 0);
  while (points.length > 0) {
    const last = points.pop() ?? 0;
    if (last < 0x10ffff) {
      // U+D800..U+DFFF are no characters.
      points.push(last === 0xd7ff ? 0xe000 : last + 1);
      return String.fromCodePoint(...points);
    }
  }
  return undefined;
}
