/**
 * The contract of a store. A transaction is data, never a callback: an `async` callback on a synchronous driver commits
 * half of itself. Reads are outside of transactions and may be stale; an expectation in the commit makes them safe.
 */
import type { Json } from '../onem2m/primitive.ts';
import type { TableName } from './tables.ts';

export type ColumnValue = string | number | null;
export type Columns = Record<string, ColumnValue>;

export interface Row<Data = Json> {
  key: string;
  /** 1 for a new row; grows by one with every put. */
  version: number;
  columns: Columns;
  data: Data;
}

/** `version: 0` = the row must not exist. */
export interface Expectation {
  table: TableName;
  key: string;
  version: number;
}

/** Replaces the whole row. A row of a numbered table must exist (else `Conflict`): only `append` makes new ones. */
export interface Put {
  table: TableName;
  key: string;
  /** All declared columns of the table; one left out is stored as null. */
  columns?: Columns;
  data: unknown;
}

/** A new row whose key is the table's next sequence number; the commit's result returns the keys in order. */
export interface Append {
  table: TableName;
  columns?: Columns;
  data: unknown;
}

export interface Delete {
  table: TableName;
  key: string;
}

/** Takes effect in this order: expectations, deletes, puts, appends. */
export interface Commit {
  expect?: Expectation[];
  put?: Put[];
  delete?: Delete[];
  append?: Append[];
}

export interface CommitResult {
  /** Keys (sequence numbers as numbers) of `append`, in its order. */
  appended: number[];
}

/**
 * An expectation of a commit did not hold, or a unique index has the value already (`key` is that of the row that was to be
 * written, `new` for an appended one); nothing was written. Read again and retry.
 */
export class Conflict extends Error {
  readonly table: string;
  readonly key: string;
  constructor(table: string, key: string) {
    super(`version conflict on ${table}/${key}`);
    this.name = 'Conflict';
    this.table = table;
    this.key = key;
  }
}

export type Comparison = '=' | '<' | '<=' | '>' | '>=' | 'in' | 'prefix';

export interface Condition {
  /** `key` or a declared column. */
  column: string;
  is: Comparison;
  /** A list for `in`, one value otherwise; `= null` finds rows without a value. */
  value: ColumnValue | ColumnValue[];
}

export interface Query {
  table: TableName;
  where?: Condition[];
  /** Texts by code point, nulls first (last when descending), equals by key; without it the order is arbitrary. */
  orderBy?: { column: string; descending?: boolean }[];
  limit?: number;
  offset?: number;
}

/** Unknown tables or columns and values of a wrong type reject with TypeError, the store's own failures with StoreFailure. */
export interface Store {
  get<Data = Json>(table: TableName, key: string): Promise<Row<Data> | undefined>;
  getMany<Data = Json>(table: TableName, keys: string[]): Promise<Map<string, Row<Data>>>;
  find<Data = Json>(query: Query): Promise<Row<Data>[]>;
  count(query: Omit<Query, 'orderBy' | 'limit' | 'offset'>): Promise<number>;
  /** Durable when it resolves. Commits that arrive together are written as a group; each stands or falls alone. */
  commit(commit: Commit): Promise<CommitResult>;
  /** The store's clock in ms since 1970: expirations and leases of many processes agree on it. */
  now(): Promise<number>;
  /** A consistent copy of an embedded store; a server store refuses with a sentence. */
  backup(file: string): Promise<void>;
  statistics(): StoreStatistics;
  close(): Promise<void>;
}

export interface StoreStatistics {
  engine: 'sqlite' | 'postgres';
  commits: number;
  conflicts: number;
  /** Commits written per group, running mean. */
  groupSize: number;
  /** Seconds from `commit` to durable, of the last commits. */
  latency: { p50: number; p99: number };
}

/** Joins changes that belong into one commit. */
export function mergeCommits(...commits: (Commit | undefined)[]): Commit {
  const merged: Required<Commit> = { expect: [], put: [], delete: [], append: [] };
  for (const commit of commits) {
    if (!commit) continue;
    if (commit.expect) merged.expect.push(...commit.expect);
    if (commit.put) merged.put.push(...commit.put);
    if (commit.delete) merged.delete.push(...commit.delete);
    if (commit.append) merged.append.push(...commit.append);
  }
  return merged;
}
