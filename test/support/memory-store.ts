/**
 * A store whose commits happen when a test says so: every commit waits in `pending` until `complete` is called for it, so that a
 * test decides what comes between a commit and its answer. Same rules as the real one: versions, expectations, all or nothing.
 */
import {
  Conflict,
  type ColumnValue,
  type Commit,
  type CommitResult,
  type Condition,
  type Query,
  type Row,
  type Store,
} from '../../src/store/store.ts';
import { tables, type TableName } from '../../src/store/tables.ts';

interface StoredRow {
  key: string;
  version: number;
  columns: Record<string, ColumnValue>;
  text: string;
}

export class MemoryStore implements Store {
  /** Commits that were asked for and are not done. */
  readonly pending: { commit: Commit; complete: () => void; fail: (error: Error) => void }[] = [];
  /** True: commits are done at once. */
  immediate = true;
  readonly #tables = new Map<TableName, Map<string, StoredRow>>();
  readonly #sequences = new Map<TableName, number>();
  readonly #now: () => number;

  constructor(now: () => number = () => Date.now()) {
    this.#now = now;
    for (const name of Object.keys(tables) as TableName[]) this.#tables.set(name, new Map());
  }

  async get<Data>(table: TableName, key: string): Promise<Row<Data> | undefined> {
    const row = this.#table(table).get(key);
    return row && read<Data>(row);
  }

  async getMany<Data>(table: TableName, keys: string[]): Promise<Map<string, Row<Data>>> {
    const found = new Map<string, Row<Data>>();
    for (const key of keys) {
      const row = this.#table(table).get(key);
      if (row) found.set(key, read(row));
    }
    return found;
  }

  async find<Data>(query: Query): Promise<Row<Data>[]> {
    const rows = this.#matching(query.table, query.where);
    for (const { column, descending } of [...(query.orderBy ?? [])].reverse()) {
      rows.sort((a, b) => compare(cell(query.table, a, column), cell(query.table, b, column)) * (descending ? -1 : 1));
    }
    const offset = query.offset ?? 0;
    return rows
      .slice(offset, query.limit === undefined ? undefined : offset + query.limit)
      .map((row) => read<Data>(row));
  }

  async count(query: Omit<Query, 'orderBy' | 'limit' | 'offset'>): Promise<number> {
    return this.#matching(query.table, query.where).length;
  }

  commit(commit: Commit): Promise<CommitResult> {
    // As the real one: what is written is what was given, not what it becomes later.
    const given = structuredClone(commit);
    if (this.immediate) return Promise.resolve().then(() => this.#apply(given));
    return new Promise((resolve, reject) => {
      const take = (): void => {
        this.pending.splice(this.pending.indexOf(waiting), 1);
      };
      const waiting = {
        commit: given,
        complete: () => {
          take();
          try {
            resolve(this.#apply(given));
          } catch (error) {
            reject(error as Error);
          }
        },
        fail: (error: Error) => {
          take();
          reject(error);
        },
      };
      this.pending.push(waiting);
    });
  }

  async now(): Promise<number> {
    return this.#now();
  }

  async backup(): Promise<void> {
    throw new Error('a store in memory has no backup');
  }

  statistics(): ReturnType<Store['statistics']> {
    return { engine: 'sqlite', commits: 0, conflicts: 0, groupSize: 1, latency: { p50: 0, p99: 0 } };
  }

  async close(): Promise<void> {}

  #table(name: TableName): Map<string, StoredRow> {
    return this.#tables.get(name)!;
  }

  #matching(table: TableName, where: Condition[] = []): StoredRow[] {
    return [...this.#table(table).values()].filter((row) =>
      where.every(({ column, is, value }) => holds(cell(table, row, column), is, value)),
    );
  }

  #apply(commit: Commit): CommitResult {
    for (const { table, key, version } of commit.expect ?? []) {
      if ((this.#table(table).get(key)?.version ?? 0) !== version) throw new Conflict(table, key);
    }
    for (const { table, key } of commit.delete ?? []) this.#table(table).delete(key);
    for (const { table, key, columns = {}, data } of commit.put ?? []) {
      const version = (this.#table(table).get(key)?.version ?? 0) + 1;
      this.#table(table).set(key, { key, version, columns, text: JSON.stringify(data) });
    }
    const appended: number[] = [];
    for (const { table, columns = {}, data } of commit.append ?? []) {
      const number = (this.#sequences.get(table) ?? 0) + 1;
      this.#sequences.set(table, number);
      this.#table(table).set(String(number), { key: String(number), version: 1, columns, text: JSON.stringify(data) });
      appended.push(number);
    }
    return { appended };
  }
}

function read<Data>(row: StoredRow): Row<Data> {
  return { key: row.key, version: row.version, columns: row.columns, data: JSON.parse(row.text) as Data };
}

function cell(table: TableName, row: StoredRow, column: string): ColumnValue {
  if (column !== 'key') return row.columns[column] ?? null;
  return tables[table].key === 'sequence' ? Number(row.key) : row.key;
}

function holds(found: ColumnValue, is: Condition['is'], value: Condition['value']): boolean {
  if (is === 'in') return Array.isArray(value) && value.includes(found);
  if (Array.isArray(value) || found === null || value === null) return is === '=' && found === value;
  switch (is) {
    case '=':
      return found === value;
    case '<':
      return found < value;
    case '<=':
      return found <= value;
    case '>':
      return found > value;
    case '>=':
      return found >= value;
    case 'prefix':
      return String(found).startsWith(String(value));
  }
}

function compare(one: ColumnValue, other: ColumnValue): number {
  if (one === other) return 0;
  return (one ?? '') < (other ?? '') ? -1 : 1;
}
