import { argument, keyArgument } from './call.ts';
import type { Handler } from './call.ts';
import { CpeFault } from './cpe-fault.ts';
import { setKey } from './parameter-methods.ts';

const byAlias = /^(.*\.)\[([^\]]{1,64})\]\.$/;

/** A new row with the values of the template; `Table.[alias].` gives it that alias. */
export const addObject: Handler = (workshop, rpc, id) => {
  const { tree, journal, faults } = workshop;
  const name = argument(rpc, 'ObjectName', 256);
  const key = keyArgument(rpc, 'ParameterKey');
  const [, tableName = name, alias] = byAlias.exec(name) ?? [];
  const table = tree.object(tableName);
  if (!table?.table) throw new CpeFault(9005, name);
  if (!table.table.addable) throw new CpeFault(9001, `${tableName} has no rows of a server`);
  if (table.children.size >= table.table.maximum)
    throw new CpeFault(9004, `${tableName} has ${table.table.maximum} rows`);
  if (alias !== undefined && (!('Alias' in table.table.template) || tree.object(name)))
    throw new CpeFault(9001, `the alias ${alias} cannot be given`);
  const named: Record<string, string> = 'Alias' in table.table.template ? { Alias: alias ?? `cpe-${table.next}` } : {};
  const number = tree.addRow(table.path, named);
  setKey(workshop, key);
  journal.record({ kind: 'create', path: `${table.path}${number}.`, id });
  journal.tell('write', `${table.path}${number}. was added`, { path: `${table.path}${number}.` });
  return { InstanceNumber: String(number), Status: faults.appliesLater ? '1' : '0' };
};

export const deleteObject: Handler = (workshop, rpc, id) => {
  const { tree, journal, faults } = workshop;
  const name = argument(rpc, 'ObjectName', 256);
  const key = keyArgument(rpc, 'ParameterKey');
  const row = tree.object(name);
  const table = row && tree.parentOf(row);
  if (!row || !table?.table) throw new CpeFault(9005, name);
  if (!table.table.addable) throw new CpeFault(9001, `${name} is the device's own`);
  tree.removeRow(row.path);
  setKey(workshop, key);
  journal.record({ kind: 'delete', path: row.path, id });
  journal.tell('write', `${row.path} was deleted`, { path: row.path });
  return { Status: faults.appliesLater ? '1' : '0' };
};
