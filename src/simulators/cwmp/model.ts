import type { ParameterType } from './values.ts';

/** A parameter as the data model defines it. */
export interface ParameterDefinition {
  kind: 'parameter';
  type: ParameterType;
  value: string;
  writable: boolean;
  /** Reads as an empty string. */
  secret?: boolean;
  /** Its notification is active and cannot be lowered. */
  forced?: boolean;
  /** The values that it takes. */
  allowed?: readonly string[];
  /** Least and greatest number. */
  range?: readonly [number, number];
  /** Most characters. */
  length?: number;
}

export interface ObjectDefinition {
  kind: 'object';
  children: Record<string, Definition>;
}

/** An object with instances. `rows` are the instances of the factory by number: numbers start at 1 and may have holes. */
export interface TableDefinition {
  kind: 'table';
  template: Record<string, Definition>;
  rows: Record<number, Row>;
  /** AddObject and DeleteObject are possible. */
  addable: boolean;
  maximum: number;
}

export type Definition = ParameterDefinition | ObjectDefinition | TableDefinition;

/** Values of one instance over those of the template. */
export type Row = Record<string, string>;

type More = Omit<ParameterDefinition, 'kind' | 'type' | 'value' | 'writable'>;

export const reads = (type: ParameterType, value = '', more: More = {}): ParameterDefinition => ({
  kind: 'parameter',
  type,
  value,
  writable: false,
  ...more,
});

export const writes = (type: ParameterType, value = '', more: More = {}): ParameterDefinition => ({
  ...reads(type, value, more),
  writable: true,
});

export const object = (children: Record<string, Definition>): ObjectDefinition => ({ kind: 'object', children });

/** A table whose rows are the device's own. */
export const table = (template: Record<string, Definition>, rows: Record<number, Row> = {}): TableDefinition => ({
  kind: 'table',
  template,
  rows,
  addable: false,
  maximum: 1000,
});

/** A table to which a server can add rows. */
export const growing = (
  template: Record<string, Definition>,
  rows: Record<number, Row> = {},
  maximum = 32,
): TableDefinition => ({ ...table(template, rows), addable: true, maximum });
