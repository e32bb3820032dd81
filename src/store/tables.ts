/**
 * The tables of the store as data: both engines create them, and the migrations start from here. A row is a key, a
 * version, the declared columns (what queries filter and order by) and one opaque JSON document.
 */
export type ColumnType = 'text' | 'integer';

export interface Table {
  /** `text`: the writer names the key. `sequence`: rows are appended and the store numbers them. */
  key: 'text' | 'sequence';
  columns: Record<string, ColumnType>;
  indexes: { columns: string[]; unique?: boolean }[];
}

function table(definition: Table): Table {
  return definition;
}

export const tables = {
  /** Key: resourceID. */
  resources: table({
    key: 'text',
    columns: {
      parent: 'text',
      path: 'text',
      type: 'integer',
      mgmtDefinition: 'integer',
      expires: 'integer',
      created: 'integer',
    },
    indexes: [
      { columns: ['path'], unique: true },
      { columns: ['parent', 'created'] },
      { columns: ['type', 'path'] },
      { columns: ['expires'] },
    ],
  }),
  /** Key: device id. One row per managed device. */
  devices: table({
    key: 'text',
    columns: { technology: 'text', identity: 'text', lane: 'text', node: 'text' },
    indexes: [{ columns: ['technology', 'identity'], unique: true }, { columns: ['lane'] }, { columns: ['node'] }],
  }),
  /** Append only by number: the number is the order of acceptance in a lane. */
  operations: table({
    key: 'sequence',
    columns: {
      id: 'text',
      lane: 'text',
      device: 'text',
      state: 'text',
      correlator: 'text',
      resource: 'text',
      due: 'integer',
    },
    indexes: [
      { columns: ['id'], unique: true },
      { columns: ['lane', 'key'] },
      { columns: ['state', 'due'] },
      { columns: ['device', 'correlator'] },
      { columns: ['resource'] },
    ],
  }),
  /** Notifications that wait to be sent; in order per subscription. */
  outbox: table({
    key: 'sequence',
    columns: { subscription: 'text', target: 'text' },
    indexes: [{ columns: ['subscription', 'key'] }, { columns: ['target'] }],
  }),
  /** Timers and retries: ids, never state. */
  jobs: table({
    key: 'text',
    columns: { queue: 'text', due: 'integer' },
    indexes: [{ columns: ['queue', 'due'] }],
  }),
  /** Who did what to which device, with which outcome. */
  audit: table({
    key: 'sequence',
    columns: { device: 'text', at: 'integer' },
    indexes: [{ columns: ['device', 'key'] }, { columns: ['at'] }],
  }),
  /** Key: leg and a name that it chose. What a leg keeps beside its devices: nonces. */
  notes: table({ key: 'text', columns: {}, indexes: [] }),
  artifacts: table({ key: 'text', columns: { created: 'integer' }, indexes: [{ columns: ['created'] }] }),
  /** Small facts of the gateway itself: counters, nonces, the first-start mark. */
  settings: table({ key: 'text', columns: {}, indexes: [] }),
} satisfies Record<string, Table>;

export type TableName = keyof typeof tables;
