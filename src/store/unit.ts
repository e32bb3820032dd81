/**
 * A commit in the compact form in which it travels to the writer: a list of steps, each a flat list of primitives, every
 * document already JSON text. An expectation about a row that the commit also writes becomes part of that write.
 */
import type { StoreFailureCode } from './failure.ts';
import { columnValues, factsOf, keyValue } from './schema.ts';
import type { ColumnValue, Commit } from './store.ts';

export const StepKind = {
  /** The row has this version; 0 = it does not exist. */
  CHECK: 0,
  DELETE: 1,
  /** A row that must not exist. */
  INSERT: 2,
  /** A row that must have this version. */
  UPDATE: 3,
  /** A row in whatever version. In a numbered table it must exist, for only the store gives out numbers. */
  PUT: 4,
  APPEND: 5,
} as const;

/** `[kind, table, key, version, …columns, data]`; without columns and data for CHECK and DELETE. */
export type Step = ColumnValue[];
export type Unit = Step[];

/** Places in a step. */
export const At = { KIND: 0, TABLE: 1, KEY: 2, VERSION: 3, COLUMNS: 4 } as const;

/**
 * Checks a commit and makes its unit; order of effect: expectations, deletes, puts, appends.
 * @throws TypeError for unknown tables or columns, values of a wrong type and data that JSON cannot say.
 */
export function compileCommit(commit: Commit): Unit {
  const checks: Step[] = [];
  const expected = new Map<string, Step>();
  for (const { table, key, version } of commit.expect ?? []) {
    const facts = factsOf(table);
    if (!Number.isSafeInteger(version) || version < 0) {
      throw new TypeError(`an expected version is 0 or more, not ${String(version)} (${table}/${key})`);
    }
    const step: Step = [StepKind.CHECK, facts.index, keyValue(facts, key), version];
    checks.push(step);
    expected.set(`${table}\n${key}`, step);
  }
  const writes: Step[] = [];
  for (const { table, key } of commit.delete ?? []) {
    const facts = factsOf(table);
    expected.delete(`${table}\n${key}`);
    writes.push([StepKind.DELETE, facts.index, keyValue(facts, key), 0]);
  }
  const fused = new Set<Step>();
  for (const { table, key, columns, data } of commit.put ?? []) {
    const facts = factsOf(table);
    const check = expected.get(`${table}\n${key}`);
    // Only the first write of a row can carry the expectation.
    expected.delete(`${table}\n${key}`);
    const kind = check ? (check[At.VERSION] === 0 ? StepKind.INSERT : StepKind.UPDATE) : StepKind.PUT;
    if (kind === StepKind.INSERT && facts.numbered) {
      throw new TypeError(`${table} numbers its own rows: append to it instead of putting ${table}/${key}`);
    }
    if (check) fused.add(check);
    const version = check?.[At.VERSION] ?? 0;
    writes.push([kind, facts.index, keyValue(facts, key), version, ...columnValues(facts, columns), text(table, data)]);
  }
  for (const { table, columns, data } of commit.append ?? []) {
    const facts = factsOf(table);
    if (!facts.numbered) throw new TypeError(`${table} does not number its rows: put into it instead of appending`);
    writes.push([StepKind.APPEND, facts.index, null, 0, ...columnValues(facts, columns), text(table, data)]);
  }
  return fused.size === 0 ? [...checks, ...writes] : [...checks.filter((check) => !fused.has(check)), ...writes];
}

function text(table: string, data: unknown): string {
  const json = JSON.stringify(data);
  if (json === undefined) throw new TypeError(`data of a row of ${table} is not JSON: ${typeof data}`);
  return json;
}

/** What the writer says about one unit. */
export interface Answer {
  appended?: number[];
  /** Position of the table, and the key, on which it failed. */
  conflict?: [table: number, key: string];
  failure?: { code: StoreFailureCode; message: string };
}
