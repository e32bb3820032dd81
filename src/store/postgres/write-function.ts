/**
 * The function in the database that writes a group of units: one round trip and one transaction for many commits, a
 * subtransaction for each, so that each stands or falls alone.
 */
import { createHash } from 'node:crypto';
import { quote } from '../query.ts';
import { tableList } from '../schema.ts';
import type { TableFacts } from '../schema.ts';
import { At, StepKind } from '../unit.ts';

export interface WriteFunction {
  name: string;
  /** `CREATE FUNCTION …` */
  definition: string;
}

/** Its name carries the digest of its text: gateways of two versions on one database each call their own. */
export function writeFunction(tables: readonly TableFacts[] = tableList): WriteFunction {
  const body = functionBody(tables);
  const name = `write_units_${createHash('sha256').update(body).digest('hex').slice(0, 12)}`;
  return {
    name,
    definition: `CREATE OR REPLACE FUNCTION ${name}(units jsonb) RETURNS jsonb LANGUAGE plpgsql AS $body$${body}$body$`,
  };
}

/** Answers per unit: null, `{"a": [numbers]}`, `{"c": [table, key]}` or `{"f": message}`. */
function functionBody(tables: readonly TableFacts[]): string {
  return `
#variable_conflict use_column
DECLARE
  unit jsonb;
  step jsonb;
  answers jsonb[] := '{}';
  appended bigint[];
  place int;
  number bigint;
  found_version bigint;
BEGIN
  FOR unit IN SELECT value FROM jsonb_array_elements(units) LOOP
    appended := '{}';
    BEGIN
      FOR step IN SELECT value FROM jsonb_array_elements(unit) LOOP
        place := (step->>${At.TABLE})::int;
        CASE place
${tables.map(tableBranch).join('\n')}
        END CASE;
      END LOOP;
      answers := answers || CASE WHEN appended = '{}' THEN 'null'::jsonb ELSE jsonb_build_object('a', appended) END;
    EXCEPTION
      WHEN unique_violation OR SQLSTATE 'TR001' THEN
        answers := answers || jsonb_build_object('c', jsonb_build_array(place, coalesce(step->>${At.KEY}, 'new')));
      WHEN deadlock_detected OR serialization_failure OR lock_not_available THEN
        RAISE;
      WHEN OTHERS THEN
        answers := answers || jsonb_build_object('f', SQLERRM);
    END;
  END LOOP;
  RETURN to_jsonb(answers);
END
`;
}

function tableBranch(facts: TableFacts): string {
  const table = quote(facts.name);
  const key = facts.numbered ? `(step->>${At.KEY})::bigint` : `step->>${At.KEY}`;
  const columns = [...facts.columnNames, 'data'].map(quote);
  const values = columns.map((_, at) => {
    const value = `step->>${At.COLUMNS + at}`;
    return facts.columnTypes[at] === 'integer' ? `(${value})::bigint` : value;
  });
  const assignments = ['"version" = t."version" + 1', ...columns.map((column, at) => `${column} = ${values[at]}`)];
  const version = `(step->>${At.VERSION})::bigint`;
  const refuse = `IF NOT FOUND THEN RAISE EXCEPTION 'conflict' USING ERRCODE = 'TR001'; END IF;`;
  const insert = `INSERT INTO ${table} AS t ("key", "version", ${columns.join(', ')}) VALUES (${key}, 1, ${values.join(', ')})`;
  const change = `UPDATE ${table} AS t SET ${assignments.join(', ')} WHERE "key" = ${key}`;
  const put = facts.numbered
    ? `${change}; ${refuse}`
    : `${insert} ON CONFLICT ("key") DO UPDATE SET "version" = t."version" + 1, ` +
      `${columns.map((column) => `${column} = excluded.${column}`).join(', ')};`;
  const append =
    `INSERT INTO ${table} ("version", ${columns.join(', ')}) VALUES (1, ${values.join(', ')}) ` +
    `RETURNING "key" INTO number; appended := appended || number;`;
  return `
        WHEN ${facts.index} THEN CASE (step->>${At.KIND})::int
          WHEN ${StepKind.CHECK} THEN
            SELECT "version" INTO found_version FROM ${table} WHERE "key" = ${key} FOR SHARE;
            IF coalesce(found_version, 0) <> ${version} THEN RAISE EXCEPTION 'conflict' USING ERRCODE = 'TR001'; END IF;
          WHEN ${StepKind.DELETE} THEN DELETE FROM ${table} WHERE "key" = ${key};
          WHEN ${StepKind.UPDATE} THEN ${change} AND "version" = ${version}; ${refuse}
          WHEN ${StepKind.PUT} THEN ${put}
          ${facts.numbered ? `WHEN ${StepKind.APPEND} THEN ${append}` : `WHEN ${StepKind.INSERT} THEN ${insert};`}
          END CASE;`;
}
