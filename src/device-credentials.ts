/** Credentials of devices from a CSV file, read at the start and again when it changes. */
import { readFile } from 'node:fs/promises';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { CredentialSource, DeviceCredentials } from './management/adapter.ts';
import { SettingError } from './config.ts';
import type { Clock } from './support/clock.ts';
import type { Log } from './support/log.ts';
import { isOpenToOthers, openToOthers } from './support/tls-files.ts';
import { watchFiles } from './support/watched-files.ts';

/** Columns, in any order; those without a star may be left out. */
const columns = {
  technology: '*',
  identity: '*',
  username: '',
  password: '*',
  connectionRequestUsername: '',
  connectionRequestPassword: '',
  scheme: '',
  serverId: '',
  serverPassword: '',
  notificationAddress: '',
} as const;
type Column = keyof typeof columns;
const technologies = ['cwmp', 'lwm2m', 'omadm'];
/** Legs that ask for credentials in this version. */
const asking = ['cwmp', 'omadm'];
const schemes = ['basic', 'md5', 'hmac'] as const;

/** Every device that has no line of its own. */
const everyDevice = '*';
/** Lines that are read before others have their turn. */
const linesPerTurn = 500;

export interface LiveCredentials extends CredentialSource {
  close(): void;
}

/** Without a file no device has any. */
export const noCredentials: LiveCredentials = { forDevice: () => Promise.resolve(undefined), close() {} };

/** @throws SettingError when the file cannot be used; later versions of it that cannot are logged, and the old one stays in use */
export async function openDeviceCredentials(
  path: string,
  { clock, log, interval }: { clock: Clock; log: Log; interval?: number },
): Promise<LiveCredentials> {
  const watch = await watchFiles([path], reload, { clock, interval });
  let current: CredentialTable | undefined;
  try {
    const first = await read();
    // Unless it has changed meanwhile, and the change was read sooner.
    current ??= first;
  } catch (error) {
    watch.close();
    throw new SettingError(`--devices-credentials ${path}: ${(error as Error).message}`);
  }

  async function read(): Promise<CredentialTable> {
    const table = await readCredentialTable(await readText(path));
    if (isOpenToOthers(path)) log.warn({}, `${path}: ${openToOthers}`);
    for (const [technology, lines] of table.counts) {
      if (!asking.includes(technology))
        log.warn({ technology, lines }, 'credentials of this technology are not used by this version');
    }
    log.info({ file: path, lines: Object.fromEntries(table.counts) }, 'the credentials of devices were read');
    return table;
  }

  async function reload(): Promise<void> {
    try {
      current = await read();
    } catch (error) {
      const why = (error as Error).message;
      log.error({ file: path, why }, 'the new credentials of devices cannot be used; the old ones stay in use');
    }
  }

  return {
    forDevice: async (technology, identity) => current?.find(technology, identity),
    close: () => watch.close(),
  };
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new Error(code === 'ENOENT' ? 'there is no such file' : `cannot be read (${code})`, { cause: error });
  }
}

export interface CredentialTable {
  /** Lines by technology. */
  counts: Map<string, number>;
  find(technology: string, identity: string): DeviceCredentials | undefined;
}

/**
 * The text is kept, and where in it the line of a device begins: 200,000 lines are 200,000 numbers. Messages name the line and the
 * column, never what is in it.
 * @throws an error whose sentence names the line
 */
export async function readCredentialTable(text: string): Promise<CredentialTable> {
  const startOf = new Map<string, number>();
  const counts = new Map<string, number>();
  let places: Map<Column, number> | undefined;
  let number = 0;
  for (let start = 0; start < text.length; start = endOfLine(text, start) + 1) {
    number += 1;
    if (number % linesPerTurn === 0) await nextTurn();
    const line = lineAt(text, start);
    if (line === '' || line.startsWith('#') || line.trim() === '') continue;
    const fail = (why: string): never => {
      throw new Error(`line ${number}: ${why}`);
    };
    const fields = splitLine(line) ?? fail('a quotation mark does not end, or stands inside a field');
    if (!places) {
      places = readHeader(fields, fail);
      continue;
    }
    if (fields.length !== places.size) fail(`it has ${fields.length} fields, the first line has ${places.size}`);
    const key = checkLine(recordOf(fields, places), fail);
    const before = startOf.get(key);
    if (before !== undefined) fail(`line ${lineNumber(text, before)} is for the same device`);
    startOf.set(key, start);
    const technology = key.slice(0, key.indexOf(' '));
    counts.set(technology, (counts.get(technology) ?? 0) + 1);
  }
  if (!places) throw new Error(headerSentence);
  const found = places;
  return {
    counts,
    find(technology, identity) {
      const start = startOf.get(keyOf(technology, identity)) ?? startOf.get(keyOf(technology, everyDevice));
      return start === undefined ? undefined : credentialsOf(recordOf(splitLine(lineAt(text, start))!, found));
    },
  };
}

const headerSentence = `the first line must name the columns: ${Object.keys(columns).join(',')}`;

function readHeader(fields: string[], fail: (why: string) => never): Map<Column, number> {
  const names = fields.map((field) => field.trim());
  const unknown = names.find((name) => !Object.hasOwn(columns, name));
  const missing = Object.entries(columns).find(([name, star]) => star === '*' && !names.includes(name));
  if (unknown !== undefined || missing || new Set(names).size < names.length) fail(headerSentence);
  return new Map(names.map((name, index) => [name as Column, index]));
}

type Line = Record<Column, string>;

function recordOf(fields: string[], places: ReadonlyMap<Column, number>): Line {
  const read = (column: Column): string => fields[places.get(column) ?? -1] ?? '';
  return {
    technology: read('technology').trim(),
    identity: read('identity').trim(),
    username: read('username'),
    password: read('password'),
    connectionRequestUsername: read('connectionRequestUsername'),
    connectionRequestPassword: read('connectionRequestPassword'),
    scheme: read('scheme').trim(),
    serverId: read('serverId').trim(),
    serverPassword: read('serverPassword'),
    notificationAddress: read('notificationAddress').trim(),
  };
}

/** @returns the key of the device */
function checkLine(line: Line, fail: (why: string) => never): string {
  if (!technologies.includes(line.technology)) fail(`the technology must be one of ${technologies.join(', ')}`);
  if (line.identity === '') fail('it has no identity; * stands for every device without a line of its own');
  if (line.password === '') fail('it has no password');
  // RFC 7617: the first colon ends the user name. OMA DM devices are called IMEI:…, and never asked by HTTP.
  if (line.technology !== 'omadm' && line.username.includes(':')) fail('a user name cannot have a colon');
  if ((line.connectionRequestUsername === '') !== (line.connectionRequestPassword === '')) {
    fail('connectionRequestUsername and connectionRequestPassword belong together');
  }
  if (line.scheme !== '' && !schemes.some((scheme) => scheme === line.scheme)) {
    fail(`the scheme must be one of ${schemes.join(', ')}, or empty for every one that is safe on the connection`);
  }
  if ((line.serverId === '') !== (line.serverPassword === '')) fail('serverId and serverPassword belong together');
  // Its length is told in one octet of a notification.
  if (Buffer.byteLength(line.serverId) > 255) fail('serverId is longer than 255 octets');
  return keyOf(line.technology, line.identity);
}

/** CPEs are also named without their URN, and with an OUI in small letters. */
function keyOf(technology: string, identity: string): string {
  if (technology !== 'cwmp') return `${technology} ${identity}`;
  const name = identity.startsWith('urn:') ? identity.replace(/^urn:dev:(?:ops|os):/, '') : identity;
  return `cwmp ${name[6] === '-' ? name.slice(0, 6).toUpperCase() + name.slice(6) : name}`;
}

function credentialsOf(line: Line): DeviceCredentials {
  const { username, password, connectionRequestUsername, connectionRequestPassword } = line;
  const { serverId, serverPassword, notificationAddress } = line;
  const scheme = schemes.find((name) => name === line.scheme);
  return {
    ...(username === '' ? {} : { username }),
    secret: password,
    ...(connectionRequestUsername === ''
      ? {}
      : { connectionRequest: { username: connectionRequestUsername, password: connectionRequestPassword } }),
    ...(scheme && { scheme }),
    ...(serverId === '' ? {} : { server: { identifier: serverId, secret: serverPassword } }),
    ...(notificationAddress === '' ? {} : { notificationAddress }),
  };
}

function endOfLine(text: string, start: number): number {
  const end = text.indexOf('\n', start);
  return end < 0 ? text.length : end;
}

function lineAt(text: string, start: number): string {
  const end = endOfLine(text, start);
  // Spreadsheets begin with a byte order mark, and end lines with CR LF.
  return text.slice(text[start] === '\uFEFF' ? start + 1 : start, text[end - 1] === '\r' ? end - 1 : end);
}

function lineNumber(text: string, start: number): number {
  return text.slice(0, start).split('\n').length;
}

/** RFC 4180 without line ends in fields; undefined when a quotation mark is out of place. */
function splitLine(line: string): string[] | undefined {
  if (!line.includes('"')) return line.split(',');
  const fields: string[] = [];
  const field = /(?:"((?:[^"]|"")*)"|([^",]*))(,|$)/y;
  for (;;) {
    const match = field.exec(line);
    if (!match) return undefined;
    fields.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? '');
    if (match[3] === '') return fields;
  }
}
