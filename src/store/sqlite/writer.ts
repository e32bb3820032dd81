/** Writes groups of units: one transaction per group, in which each unit stands or falls alone. */
import { StoreFailure } from '../failure.ts';
import { quote } from '../query.ts';
import { tableAt } from '../schema.ts';
import type { TableFacts } from '../schema.ts';
import { At, StepKind } from '../unit.ts';
import type { Answer, Step, Unit } from '../unit.ts';
import { UniqueViolation } from './database.ts';
import type { Database, SqlValue, Statement } from './database.ts';

export interface Writer {
  /** One answer per unit, in order; never throws. Durable when it returns. */
  write(units: Unit[]): Answer[];
}

/** A unit that must be undone; what it has to say. */
class Refused extends Error {
  readonly step: Step;
  constructor(step: Step) {
    super('version conflict');
    this.step = step;
  }
}

export function createWriter(database: Database): Writer {
  const statements = new Map<number, Statement>();
  const begin = database.prepare('BEGIN IMMEDIATE');
  const commit = database.prepare('COMMIT');
  const savepoint = database.prepare('SAVEPOINT unit');
  const release = database.prepare('RELEASE unit');
  const undo = database.prepare('ROLLBACK TO unit');

  const statementFor = (kind: number, table: number): Statement => {
    const id = kind * 1000 + table;
    let statement = statements.get(id);
    if (!statement) {
      statement = database.prepare(stepSql(kind, tableAt(table)));
      statements.set(id, statement);
    }
    return statement;
  };

  const perform = (step: Step, appended: number[]): void => {
    const kind = Number(step[At.KIND]);
    const table = Number(step[At.TABLE]);
    const key = step[At.KEY] ?? null;
    const version = step[At.VERSION] ?? 0;
    const statement = statementFor(kind, table);
    const values = step.slice(At.COLUMNS);
    switch (kind) {
      case StepKind.CHECK:
        if ((statement.get(key)?.[0] ?? 0) !== version) throw new Refused(step);
        return;
      case StepKind.DELETE:
        statement.run(key);
        return;
      case StepKind.INSERT:
        statement.run(key, ...values);
        return;
      case StepKind.UPDATE:
        if (statement.run(...values, key, version).changes !== 1) throw new Refused(step);
        return;
      case StepKind.PUT:
        if (!tableAt(table).numbered) statement.run(key, ...values);
        else if (statement.run(...values, key).changes !== 1) throw new Refused(step);
        return;
      case StepKind.APPEND:
        appended.push(statement.run(...values).lastRow);
        return;
      default:
        throw new RangeError(`unknown step ${kind}`);
    }
  };

  const writeUnit = (unit: Unit): Answer => {
    const appended: number[] = [];
    // A single statement undoes itself; only several of them need a savepoint.
    const guarded = unit.length > 1 && unit.some((step) => step[At.KIND] !== StepKind.CHECK);
    let current = unit[0];
    try {
      if (guarded) savepoint.run();
      for (const step of unit) {
        current = step;
        perform(step, appended);
      }
      if (guarded) release.run();
      return appended.length > 0 ? { appended } : {};
    } catch (error) {
      // A full disk makes SQLite give up the whole transaction by itself.
      if (guarded && database.inTransaction) {
        undo.run();
        release.run();
      }
      return answerFor(error, current);
    }
  };

  /** `lost`: the transaction came to nothing, and why. */
  const writeGroup = (units: Unit[]): { answers: Answer[] } | { lost: Answer } => {
    try {
      begin.run();
      const answers: Answer[] = [];
      for (const unit of units) {
        const answer = writeUnit(unit);
        if (!database.inTransaction) return { lost: answer };
        answers.push(answer);
      }
      commit.run();
      return { answers };
    } catch (error) {
      if (database.inTransaction) database.execute('ROLLBACK');
      return { lost: failed(error) };
    }
  };

  const write = (units: Unit[]): Answer[] => {
    const written = writeGroup(units);
    if ('answers' in written) return written.answers;
    // What does not fit takes the group with it; the others may fit without it.
    if (units.length > 1 && written.lost.failure?.code === 'full') return units.flatMap((unit) => write([unit]));
    return units.map(() => written.lost);
  };

  return { write };
}

function answerFor(error: unknown, step: Step | undefined): Answer {
  if (step && (error instanceof Refused || error instanceof UniqueViolation)) {
    return { conflict: [Number(step[At.TABLE]), String(step[At.KEY] ?? 'new')] };
  }
  return failed(error);
}

function failed(error: unknown): Answer {
  if (error instanceof StoreFailure) return { failure: { code: error.code, message: error.message } };
  return { failure: { code: 'engine', message: error instanceof Error ? error.message : String(error) } };
}

function stepSql(kind: number, facts: TableFacts): string {
  const table = quote(facts.name);
  const written: SqlValue[] = [...facts.columnNames, 'data'];
  const names = written.map((name) => quote(String(name)));
  const marks = names.map(() => '?').join(', ');
  const assignments = ['"version" = "version" + 1', ...names.map((name) => `${name} = ?`)].join(', ');
  switch (kind) {
    case StepKind.CHECK:
      return `SELECT "version" FROM ${table} WHERE "key" = ?`;
    case StepKind.DELETE:
      return `DELETE FROM ${table} WHERE "key" = ?`;
    case StepKind.INSERT:
      return `INSERT INTO ${table} ("key", "version", ${names.join(', ')}) VALUES (?, 1, ${marks})`;
    case StepKind.UPDATE:
      return `UPDATE ${table} SET ${assignments} WHERE "key" = ? AND "version" = ?`;
    case StepKind.PUT:
      if (facts.numbered) return `UPDATE ${table} SET ${assignments} WHERE "key" = ?`;
      return (
        `INSERT INTO ${table} ("key", "version", ${names.join(', ')}) VALUES (?, 1, ${marks}) ON CONFLICT ("key") DO ` +
        `UPDATE SET "version" = "version" + 1, ${names.map((name) => `${name} = excluded.${name}`).join(', ')}`
      );
    default:
      return `INSERT INTO ${table} ("version", ${names.join(', ')}) VALUES (1, ${marks})`;
  }
}
