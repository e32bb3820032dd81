/**
 * Every setting once: key, default, meaning, allowed values. Option (`--mca-port`), environment name (`TRIVET_MCA_PORT`) and
 * place in the settings file (`mca: { port: … }`) follow from the key; docs/settings.md is generated from here.
 * Precedence: option, environment, file, default.
 */
import { readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { settingDefinitions, type SettingKey, type Settings } from './setting-definitions.ts';

export type { Settings, SettingKey } from './setting-definitions.ts';

/** A setting that cannot be used; the sentence names the setting and its allowed values. Exit code 2. */
export class SettingError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'SettingError';
  }
}

export function optionName(key: string): string {
  return `--${dashed(key)}`;
}

export function environmentName(key: string): string {
  return `TRIVET_${dashed(key).replaceAll('-', '_').toUpperCase()}`;
}

function dashed(key: string): string {
  return key.replaceAll('.', '-').replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

export interface SettingSources {
  /** Arguments after the command. */
  arguments: string[];
  environment: Record<string, string | undefined>;
}

/**
 * @returns the settings, and the arguments that are no options (in their order)
 * @throws SettingError naming the first setting that is wrong
 */
export function loadSettings(sources: SettingSources): { settings: Settings; rest: string[] } {
  const { given, rest } = parseArguments(sources.arguments);
  const environment = readEnvironment(sources.environment);
  const file = given.get('config') ?? environment.get('config');
  const fromFile = file ? readSettingsFile(file.value) : new Map<string, Given>();

  const settings: Record<string, unknown> = {};
  for (const [key, definition] of Object.entries(settingDefinitions)) {
    const source = given.get(key) ?? environment.get(key) ?? fromFile.get(key);
    if (!source) {
      settings[key] = definition.default;
      continue;
    }
    const parsed = definition.parse(source.value);
    if (!parsed.ok) {
      throw new SettingError(`${source.name}: '${source.value}' is not allowed; allowed: ${definition.allowed}`);
    }
    settings[key] = parsed.value;
  }
  const complete = settings as Settings;
  checkTogether(complete);
  return { settings: complete, rest };
}

interface Given {
  value: string;
  /** How the user named it, for messages. */
  name: string;
}

const keysByOption = new Map(Object.keys(settingDefinitions).map((key) => [optionName(key), key]));

function parseArguments(argv: string[]): { given: Map<string, Given>; rest: string[] } {
  const given = new Map<string, Given>();
  const rest: string[] = [];
  for (let index = 0; index < argv.length; index++) {
    const argument = argv[index]!;
    if (!argument.startsWith('--')) {
      rest.push(argument);
      continue;
    }
    const equals = argument.indexOf('=');
    const name = equals < 0 ? argument : argument.slice(0, equals);
    const key = keysByOption.get(name);
    if (!key) throw new SettingError(unknownName(name, 'option', [...keysByOption.keys()]));
    const definition = settingDefinitions[key as SettingKey];
    let value: string;
    if (equals >= 0) value = argument.slice(equals + 1);
    else if (definition.flag) value = 'true';
    else {
      const next = argv[++index];
      if (next === undefined || next.startsWith('--')) {
        throw new SettingError(`${name} needs a value; allowed: ${definition.allowed}`);
      }
      value = next;
    }
    const earlier = given.get(key);
    given.set(key, { name, value: definition.list && earlier ? `${earlier.value},${value}` : value });
  }
  return { given, rest };
}

function readEnvironment(environment: Record<string, string | undefined>): Map<string, Given> {
  const names = new Map(Object.keys(settingDefinitions).map((key) => [environmentName(key), key]));
  const given = new Map<string, Given>();
  for (const [name, value] of Object.entries(environment)) {
    if (!name.startsWith('TRIVET_') || value === undefined || value === '') continue;
    const key = names.get(name);
    if (!key) throw new SettingError(unknownName(name, 'environment variable', [...names.keys()]));
    given.set(key, { name, value });
  }
  return given;
}

function readSettingsFile(path: string): Map<string, Given> {
  let document: unknown;
  try {
    // Loaded on demand: most starts have no file, and the parser is slow to load.
    const { parse } = createRequire(import.meta.url)('yaml') as typeof import('yaml');
    document = parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new SettingError(`--config: cannot use ${path}: ${(error as Error).message.split('\n')[0]}`);
  }
  const given = new Map<string, Given>();
  flatten(document, '', path, given);
  return given;
}

function flatten(value: unknown, prefix: string, path: string, given: Map<string, Given>): void {
  if (value === null || value === undefined) return;
  if (prefix !== '' && (typeof value !== 'object' || Array.isArray(value))) {
    if (!(prefix in settingDefinitions)) {
      throw new SettingError(`${path}: ${unknownName(prefix, 'setting', Object.keys(settingDefinitions))}`);
    }
    given.set(prefix, { name: `${path}: ${prefix}`, value: Array.isArray(value) ? value.join(',') : String(value) });
    return;
  }
  if (typeof value !== 'object' || Array.isArray(value)) {
    throw new SettingError(`${path}: a settings file holds names and values, like "mca: { port: 8080 }"`);
  }
  for (const [name, member] of Object.entries(value)) {
    flatten(member, prefix === '' ? name : `${prefix}.${name}`, path, given);
  }
}

function unknownName(name: string, what: string, known: string[]): string {
  const nearest = known
    .map((candidate) => ({ candidate, distance: editDistance(name, candidate) }))
    .sort((a, b) => a.distance - b.distance)[0];
  const hint = nearest && nearest.distance <= 4 ? `; did you mean ${nearest.candidate}?` : '';
  return `unknown ${what} ${name}${hint} (trivet start --help lists them all)`;
}

function editDistance(left: string, right: string): number {
  let row = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let i = 1; i <= left.length; i++) {
    const next = [i];
    for (let j = 1; j <= right.length; j++) {
      const substitution = row[j - 1]! + (left[i - 1] === right[j - 1] ? 0 : 1);
      next.push(Math.min(substitution, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[right.length]!;
}

function checkTogether(settings: Settings): void {
  for (const directory of settings.profiles) checkProfileDirectory(directory);
  checkTls(settings);
  if (!settings.insecure) checkListeners(settings);
}

/** A mistyped directory would look like one without profiles, and devices would be mapped wrongly. */
function checkProfileDirectory(directory: string): void {
  let problem: string;
  try {
    const found = statSync(directory, { throwIfNoEntry: false });
    if (found?.isDirectory()) return;
    problem = found ? 'is no directory' : 'there is no such directory';
  } catch (error) {
    problem = `cannot be read (${(error as NodeJS.ErrnoException).code})`;
  }
  throw new SettingError(
    `--profiles ${directory}: ${problem}; name a directory that holds profiles as YAML files, or leave the setting out`,
  );
}

/** Settings that say nothing without one another. */
function checkTls(settings: Settings): void {
  const wrong = (sentence: string): never => {
    throw new SettingError(sentence);
  };
  const { 'tls.certificate': certificate, 'tls.key': key } = settings;
  if (certificate && !key) wrong('--tls-certificate needs --tls-key, the private key of the certificate');
  if (key && !certificate) wrong('--tls-key needs --tls-certificate, the certificate of the key');
  const asked = settings['cwmp.clientCertificate'];
  const authorities = settings['cwmp.clientAuthorities'];
  if (asked !== 'none' && !certificate)
    wrong(`--cwmp-client-certificate ${asked} needs TLS: give --tls-certificate and --tls-key`);
  if (asked !== 'none' && !authorities)
    wrong(`--cwmp-client-certificate ${asked} needs --cwmp-client-authorities, whose certificates count`);
  if (asked === 'none' && authorities)
    wrong('--cwmp-client-authorities needs --cwmp-client-certificate optional or required');
  if (settings['cwmp.authentication'] === 'required' && !settings['devices.credentials'] && asked === 'none')
    wrong(
      '--cwmp-authentication required lets nobody in: give --devices-credentials, or --cwmp-client-certificate with --cwmp-client-authorities',
    );
}

/** Safe by default: a listener that is reachable from outside needs credentials or the word of the operator. */
function checkListeners(settings: Settings): void {
  const [open] = openListeners(settings);
  if (!open) return;
  const { listener, option, host, why, remedy } = open;
  throw new SettingError(
    `${option} ${host} opens the ${listener} listener beyond this machine ${why}; ` +
      `${remedy}keep a loopback address (127.0.0.1, ::1, localhost), or say --insecure to accept it`,
  );
}

export interface OpenListener {
  listener: string;
  /** That gave it its address. */
  option: string;
  host: string;
  why: string;
  /** What closes it, before the address; with a comma at its end. */
  remedy: string;
}

/** Listeners that are reachable from outside, and talk to everybody, or let everybody read passwords. */
export function openListeners(settings: Settings): OpenListener[] {
  const open: OpenListener[] = [];
  const look = (listener: string, bind: SettingKey, problem: string | undefined, remedy = ''): void => {
    const own = settings[bind] as string | undefined;
    const host = own ?? settings.bind;
    if (problem === undefined || isLoopback(host)) return;
    open.push({ listener, option: own ? optionName(bind) : '--bind', host, why: problem, remedy });
  };
  const nobodyIsAsked = 'without credentials';
  const everybodyIsAsked = settings['cwmp.authentication'] === 'required';
  const passwords = 'say --cwmp-authentication required with --devices-credentials, ';
  for (const listener of ['mca', 'lwm2m', 'cwmp', 'omadm', 'admin', 'artifact'] as const) {
    if (listener !== 'cwmp') look(listener, `${listener}.bind`, nobodyIsAsked);
    else if (!everybodyIsAsked) look(listener, 'cwmp.bind', nobodyIsAsked, passwords);
    else if (settings['cwmp.basic'] === 'always')
      look(
        listener,
        'cwmp.bind',
        'with passwords that everybody on the way can read (--cwmp-basic always)',
        'say --cwmp-basic secure, so that devices answer with Digest or come over TLS, ',
      );
  }
  if (settings['tls.certificate'] && !everybodyIsAsked && settings['cwmp.clientCertificate'] !== 'required')
    look('cwmps', 'cwmp.tlsBind', nobodyIsAsked, `say --cwmp-client-certificate required, or ${passwords.slice(4)}`);
  return open;
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host);
}

/** Settings for a log line or a page: what is secret is hidden. */
export function redactedSettings(settings: Settings): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(settings).map(([key, value]) => [
      key,
      settingDefinitions[key as SettingKey].secret && value ? hidePassword(String(value)) : value,
    ]),
  );
}

function hidePassword(value: string): string {
  return value.replace(/(:\/\/[^:/@]*):[^@]*@/, '$1:***@');
}
