/** The table of settings; `config.ts` reads them, docs/settings.md is generated from it. */

import { isIP } from 'node:net';
import { parseNetworkLocation } from './cse/access-locations.ts';

type Parsed<T> = { ok: true; value: T } | { ok: false };

export interface SettingDefinition<T> {
  default: T;
  meaning: string;
  /** For messages and the documentation. */
  allowed: string;
  parse(text: string): Parsed<T>;
  /** An option without a value. */
  flag?: boolean;
  /** May be given several times. */
  list?: boolean;
  /** Hidden when settings are shown. */
  secret?: boolean;
}

function setting<T>(
  value: T,
  meaning: string,
  allowed: string,
  parse: (text: string) => Parsed<T>,
  extra: Partial<SettingDefinition<T>> = {},
): SettingDefinition<T> {
  return { default: value, meaning, allowed, parse, ...extra };
}

const refused = { ok: false } as const;

function text(value: string, meaning: string, allowed = 'text', pattern = /^.+$/): SettingDefinition<string> {
  return setting(value, meaning, allowed, (given) => (pattern.test(given) ? { ok: true, value: given } : refused));
}

function optionalText(
  meaning: string,
  allowed: string,
  pattern = /^.+$/,
  extra: Partial<SettingDefinition<string | undefined>> = {},
): SettingDefinition<string | undefined> {
  const parse = (given: string): Parsed<string | undefined> =>
    pattern.test(given) ? { ok: true, value: given } : refused;
  return setting<string | undefined>(undefined, meaning, allowed, parse, extra);
}

function integer(
  value: number,
  meaning: string,
  minimum: number,
  maximum: number,
  unit = '',
): SettingDefinition<number> {
  const allowed = `a whole number from ${minimum} to ${maximum}${unit && ` (${unit})`}`;
  return setting(value, meaning, allowed, (given) => {
    const number = Number(given);
    return /^-?\d+$/.test(given) && number >= minimum && number <= maximum ? { ok: true, value: number } : refused;
  });
}

function port(value: number, meaning: string): SettingDefinition<number> {
  return { ...integer(value, meaning, 0, 65535), allowed: 'a port from 0 to 65535 (0 = any free port)' };
}

/** No port: the listener is off. */
function optionalPort(meaning: string): SettingDefinition<number | undefined> {
  const { parse } = port(0, meaning);
  return setting<number | undefined>(
    undefined,
    meaning,
    'a port from 0 to 65535 (0 = any free port), or off',
    (given) => (given === 'off' ? { ok: true, value: undefined } : parse(given)),
  );
}

const unitMilliseconds = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** Value in ms. */
function duration(value: string, meaning: string, minimum = '0s', maximum = '3650d'): SettingDefinition<number> {
  const parse = (given: string): Parsed<number> => {
    const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)?$/.exec(given);
    if (!match) return refused;
    const ms = Number(match[1]) * unitMilliseconds[(match[2] ?? 's') as keyof typeof unitMilliseconds];
    return { ok: true, value: ms };
  };
  const bound = (given: string): number => {
    const parsed = parse(given);
    return parsed.ok ? parsed.value : 0;
  };
  return setting(
    bound(value),
    meaning,
    `a duration from ${minimum} to ${maximum}, like 500ms, 30s, 5m, 2h, 7d`,
    (given) => {
      const parsed = parse(given);
      return parsed.ok && parsed.value >= bound(minimum) && parsed.value <= bound(maximum) ? parsed : refused;
    },
  );
}

function flag(meaning: string): SettingDefinition<boolean> {
  return setting(false, meaning, 'true or false', parseBoolean, { flag: true });
}

function yesNo(value: boolean, meaning: string): SettingDefinition<boolean> {
  return setting(value, meaning, 'true or false', parseBoolean);
}

function parseBoolean(given: string): Parsed<boolean> {
  if (given === 'true' || given === '1') return { ok: true, value: true };
  if (given === 'false' || given === '0') return { ok: true, value: false };
  return refused;
}

function choice<const T extends string>(
  value: NoInfer<T>,
  meaning: string,
  values: readonly T[],
): SettingDefinition<T> {
  return setting<T>(value, meaning, values.join(' | '), (given) => {
    const found = values.find((candidate) => candidate === given);
    return found ? { ok: true, value: found } : refused;
  });
}

function list(meaning: string, allowed: string, item = /^[^\s,]+$/): SettingDefinition<string[]> {
  return listOf(meaning, allowed, (text) => (item.test(text) ? text : undefined));
}

/** `read` answers with undefined for an item that is not allowed. */
function listOf<T>(meaning: string, allowed: string, read: (item: string) => T | undefined): SettingDefinition<T[]> {
  const parse = (given: string): Parsed<T[]> => {
    const values = given.split(',').map((item) => read(item.trim()));
    const good = values.filter((value) => value !== undefined);
    return good.length === values.length ? { ok: true, value: good } : refused;
  };
  return setting<T[]>([], meaning, `${allowed}; several: repeat the option or separate by commas`, parse, {
    list: true,
  });
}

/** An address, or a network in CIDR notation, as it was given. */
function readNetwork(item: string): string | undefined {
  const [, address = '', prefix] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(item) ?? [];
  const bits = { 0: -1, 4: 32, 6: 128 }[isIP(address)] ?? -1;
  return bits >= 0 && Number(prefix ?? bits) <= bits ? item : undefined;
}

const host = /^[0-9A-Za-z.:_-]+$/;
const hostMeaning = 'an address or host name of this machine';

export const settingDefinitions = {
  config: optionalText('Settings file (YAML or JSON)', 'the path of a file'),
  data: text('./data', 'Directory of the embedded store and of artifacts', 'a directory'),
  'database.url': optionalText(
    'PostgreSQL instead of the embedded store',
    'postgres://user:password@host:port/database',
    /^postgres(ql)?:\/\/.+$/,
    { secret: true },
  ),
  'store.durability': choice(
    'full',
    'When a commit counts as durable: `full` survives a power cut, `normal` a killed process',
    ['full', 'normal'],
  ),

  bind: text('127.0.0.1', 'Address that listeners bind to, unless they have one of their own', hostMeaning, host),
  'mca.port': port(8080, 'oneM2M over HTTP (reference point Mca)'),
  'mca.bind': optionalText('Address of the Mca listener', hostMeaning, host),
  'lwm2m.port': port(5683, 'LwM2M over CoAP (udp)'),
  'lwm2m.bind': optionalText('Address of the LwM2M listener', hostMeaning, host),
  'cwmp.port': port(7547, 'TR-069 (CWMP over HTTP)'),
  'cwmp.bind': optionalText('Address of the TR-069 listener', hostMeaning, host),
  'cwmp.tlsPort': port(7549, 'TR-069 over TLS, open when `tls.certificate` and `tls.key` are given'),
  'cwmp.tlsBind': optionalText('Address of the TR-069 listener with TLS', hostMeaning, host),
  'omadm.port': port(7548, 'OMA DM (reserved: this version has no OMA DM leg yet)'),
  'omadm.bind': optionalText('Address of the OMA DM listener', hostMeaning, host),
  'admin.port': port(8090, 'Health, metrics, uploads, traces'),
  'admin.bind': optionalText('Address of the admin listener', hostMeaning, host),
  'artifact.port': port(8085, 'Downloads of firmware and software images by devices (HTTP)'),
  'artifact.bind': optionalText('Address of the artifact listener', hostMeaning, host),
  insecure: flag('Accept listeners beyond loopback without credentials (logged at every start)'),
  'tls.certificate': optionalText(
    'Certificate of the gateway, followed by those up to its authority; opens the listeners with TLS. Read again when it changes',
    'the path of a PEM file',
  ),
  'tls.key': optionalText('Private key of that certificate, without a password', 'the path of a PEM file'),
  'tls.minimumVersion': choice(
    'TLSv1.2',
    'Oldest version of TLS that is spoken; before TLSv1.2 the weak ciphers and signatures of its time are, too',
    ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'],
  ),
  'devices.credentials': optionalText(
    'User names and passwords of devices. Read again when it changes',
    'the path of a CSV file',
  ),
  'public.url': optionalText(
    'Base URL at which devices reach the artifact listener',
    'http://… or https://…',
    /^https?:\/\/[^\s]+$/,
  ),
  'public.coapUrl': optionalText(
    'Base URL at which devices reach the LwM2M listener',
    'coap://… or coaps://…',
    /^coaps?:\/\/[^\s]+$/,
  ),
  'trusted.proxy': listOf(
    'Proxies whose X-Forwarded-For is believed',
    'addresses or networks like 10.0.0.0/8',
    readNetwork,
  ),
  'ready.json': flag('Print one line of JSON on stdout with every listener once the gateway serves'),
  'log.level': choice('info', 'How much is logged (to stderr, one JSON object a line)', [
    'debug',
    'info',
    'warn',
    'error',
    'silent',
  ]),

  'cse.baseName': text('cse-in', 'Resource name of the CSEBase', 'a resource name', /^[0-9A-Za-z][0-9A-Za-z._-]*$/),
  'cse.resourceId': text('id-in', 'Resource ID of the CSEBase', 'a resource ID', /^[0-9A-Za-z][0-9A-Za-z._-]*$/),
  'cse.id': text('/id-in', 'CSE-ID', 'a CSE-ID, like /id-in', /^\/[0-9A-Za-z][0-9A-Za-z._-]*$/),
  'cse.serviceProviderId': text(
    'trivet.example.com',
    'M2M-SP-ID, so that absolute addresses are understood: //trivet.example.com/id-in/cse-in, over HTTP /_/trivet.example.com/…',
    'a domain name without slashes',
    /^[0-9A-Za-z][0-9A-Za-z.-]*$/,
  ),
  'cse.adminOriginator': text(
    'CAdmin',
    'Originator with all rights, by the policy made at first start',
    'an AE-ID',
    /^[CS][0-9A-Za-z._-]*$/,
  ),
  'cse.requireRegistration': yesNo(
    false,
    'Refuse every originator that looks like an AE and has not registered (4106), even if a policy names it',
  ),
  'access.locations': listOf(
    'Where requesters are, by network, for policies that ask for a location: country, latitude and longitude',
    'entries like 192.0.2.0/24=DE/48.14/11.58, 10.0.0.0/8=FR or 2001:db8::/32=/48.14/11.58; the first that fits counts',
    parseNetworkLocation,
  ),
  'request.expiration': duration('30s', 'How long a request may take when it does not say so itself', '100ms', '1d'),
  'resource.expiration': duration('3650d', 'Longest lifetime of a resource, and the default', '1m', '36500d'),
  'mca.maximumBodyBytes': integer(1_048_576, 'Largest request body', 1024, 67_108_864, 'bytes'),
  'mca.maximumConnections': integer(10_000, 'Connections of the Mca listener at one time', 1, 1_000_000),

  'retrieve.maxAge': duration(
    '0s',
    'A value read from the device not longer ago than this is served from the stored copy',
  ),
  'retrieve.fallback': choice('error', 'When a device cannot be read: an error, or the stored copy', [
    'error',
    'stored',
  ]),
  'command.arguments': choice(
    'lenient',
    'Arguments of a <mgmtCmd>: strict = every one that TS-0004 lists for the command (6024 otherwise); lenient = those without which it cannot be done',
    ['lenient', 'strict'],
  ),
  'lane.capacity': integer(1000, 'Operations that may wait for one device', 1, 1_000_000),
  'mgmt.schemas': list(
    'Values of mgmtSchema that self-defined management objects (mgmtDefinition 0) may name; any other is refused with 4125',
    'URIs',
  ),
  'onboarding.accessControlPolicies': list(
    'accessControlPolicyIDs of nodes and management objects made by onboarding (default: the policy made at first start)',
    'resource IDs or paths',
    /^[^\s,]+$/,
  ),
  'onboarding.labels': list('Labels of nodes and management objects made by onboarding', 'labels', /^[^\s,]+$/),
  profiles: list('Directories with profiles of your own', 'directories', /^[^,]+$/),
  'trace.messages': integer(50, 'Messages kept per device for `trivet trace`', 0, 10_000),

  'notification.maximumPerTarget': integer(
    10_000,
    'Notifications that may wait for one target; the oldest go first',
    1,
    10_000_000,
  ),
  'notification.timeout': duration('10s', 'How long a notification target may take to answer', '100ms', '10m'),
  'notification.verification': yesNo(
    true,
    'Ask a notification target that is not the subscriber itself before a subscription is made',
  ),

  'artifact.anonymous': yesNo(
    true,
    'Everybody who knows the address of an image gets it. false: only devices, with what they were told for one operation, until it ends',
  ),
  'artifact.maximumBytes': integer(268_435_456, 'Largest artifact', 1, 17_179_869_184, 'bytes'),
  'lwm2m.awakeWindow': duration('93s', 'How long a device in queue mode listens after a message', '1s', '1h'),
  'lwm2m.ackTimeout': duration('2s', 'CoAP ACK_TIMEOUT', '50ms', '5m'),
  'lwm2m.addressChange': choice(
    'update',
    'Without DTLS: a device may appear at a new address by an Update, or only by a Register',
    ['update', 'register'],
  ),
  'lwm2m.pushBlockSize': integer(1024, 'Block size of a firmware push', 16, 1024, 'bytes: 16, 32, … 1024'),
  'cwmp.authentication': choice(
    'known',
    'Which devices have to show their credentials: those that have some in `devices.credentials`, all (required), or none',
    ['known', 'required', 'none'],
  ),
  'cwmp.basic': choice(
    'secure',
    'Where Basic authentication is taken, which tells the password: over TLS and on a loopback address, or always',
    ['secure', 'always'],
  ),
  'cwmp.clientAuthorities': optionalText(
    'Authorities of the certificates of devices. Read again when it changes',
    'the path of a PEM file',
  ),
  'cwmp.clientCertificate': choice(
    'none',
    'Whether a device that comes over TLS is asked for a certificate; optional: one without is asked for its password',
    ['none', 'optional', 'required'],
  ),
  'cwmp.maximumBodyBytes': integer(
    16_777_216,
    'Largest message of a device, also unpacked',
    65_536,
    268_435_456,
    'bytes',
  ),
  'cwmp.maximumConnections': integer(20_000, 'Connections of each TR-069 listener at one time', 1, 1_000_000),
  'cwmp.maximumSessions': integer(
    5_000,
    'TR-069 sessions at one time; further devices are answered 503 and come again',
    1,
    1_000_000,
  ),
  'cwmp.maximumRequests': integer(
    2_000,
    'Requests of the gateway in one session; what is left waits for the next one',
    // More than the search for its objects may need, which begins anew in every session.
    1_000,
    100_000,
  ),
  'cwmp.lingerBeforeEnd': duration(
    '100ms',
    'How long a session that was asked for by a connection request waits for further requests before it ends, 10 s in all at most (0 = not)',
    '0s',
    '5s',
  ),
  'cwmp.sessionTimeout': duration('60s', 'How long a device may be silent in a session', '30s', '10m'),
  'cwmp.batchSize': integer(32, 'Parameters in one GetParameterValues or SetParameterAttributes', 1, 1_000),
  'cwmp.periodicInform': duration(
    '15m',
    'Interval of the periodic Inform that a device gets at its first contact and after a bootstrap (0 = left alone)',
    '0s',
    '365d',
  ),
  'cwmp.connectionRequestTimeout': duration(
    '5s',
    'How long a device may take to answer a connection request',
    '100ms',
    '1m',
  ),
  'cwmp.connectionRequestNetworks': listOf(
    'Networks in which devices are called; others only at the address that their Informs come from (default: any address that is not of this machine or link)',
    'networks like 10.0.0.0/8 or 2001:db8::/32',
    readNetwork,
  ),
  'cwmp.stunPort': optionalPort(
    'STUN server (UDP) for TR-069 devices behind NAT; its socket also sends them their connection requests. Usual: 3478',
  ),
  'cwmp.stunBind': optionalText('Address of the STUN server (default: that of the TR-069 listener)', hostMeaning, host),
  'cwmp.stunAddress': optionalText(
    'Where devices find the STUN server (default: the host of public.url, else the address it is bound to, else the host of the ACS URL)',
    'a host name or an address',
    /^[0-9A-Za-z.:-]+$/,
  ),
  'cwmp.stunKeepAlive': duration(
    '30s',
    'Least time between two messages by which a device keeps its binding at the STUN server',
    '1s',
    '1h',
  ),
  'cwmp.closeConnections': yesNo(true, 'Close the connection at the end of a TR-069 session'),
  'procedure.downloadDeadline': duration(
    '24h',
    'A device that has not fetched an image by then has failed',
    '10s',
    '365d',
  ),
  'procedure.updateDeadline': duration(
    '1h',
    'A device that has not said how an update or installation ended by then has failed',
    '10s',
    '365d',
  ),
  'procedure.pollInterval': duration(
    '5s',
    'How often a device that does not tell how an update or installation goes on is asked',
    '100ms',
    '1h',
  ),
} satisfies Record<string, SettingDefinition<never> | SettingDefinition<unknown>>;

export type SettingKey = keyof typeof settingDefinitions;
export type Settings = { [K in SettingKey]: (typeof settingDefinitions)[K]['default'] };
