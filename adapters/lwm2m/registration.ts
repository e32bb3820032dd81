/** What a client says in Register and Update (TS-Core 1.1, 6.2; reference: TS-Transport 6.4.3). Pure: text in, data or a refusal out. */
import { hash } from 'node:crypto';
import type { Inventory, InventoryObject } from '../../src/management/adapter.ts';
import { CodecError, ContentFormat } from './codec/codec.ts';
import { parseRegistrationLinks } from './codec/core-link.ts';
import type { EnablerVersion } from './facts.ts';

export interface RegistrationBody {
  root: string;
  contentFormats: number[];
  inventory: Inventory;
}

export interface RegisterMessage {
  endpoint: string;
  /** s; 0 = unlimited */
  lifetime: number;
  version: EnablerVersion;
  binding: string;
  queueMode: boolean;
  sms?: string;
}

/** Only what the client gave. */
export interface UpdateMessage {
  lifetime?: number;
  binding?: string;
  queueMode?: boolean;
  sms?: string;
}

export interface Refusal {
  code: '4.00' | '4.12' | '4.15';
  explanation: string;
}

export type Parsed<Message> = { ok: true; message: Message } | ({ ok: false } & Refusal);

const defaultLifetime = 86_400; // s, TS-Core 6.2.1
const maximumEndpointName = 255;
/** Content-Formats that are remembered of a client. */
const mostFormats = 64;

/** Reads the queries of a Register. */
export function parseRegister(query: readonly string[], maximumLifetime: number): Parsed<RegisterMessage> {
  const parameters = readParameters(query);
  if (typeof parameters === 'string') return refuse(parameters);
  const endpoint = parameters.get('ep');
  if (!endpoint) return refuse('the endpoint name is missing: give it as ep');
  if (endpoint.length > maximumEndpointName || hasControlCharacter(endpoint)) {
    return refuse(`an endpoint name has at most ${maximumEndpointName} printable characters`);
  }
  const version = parameters.get('lwm2m') ?? '1.0';
  if (version !== '1.0' && version !== '1.1' && version !== '1.2') {
    return { ok: false, code: '4.12', explanation: 'LwM2M versions 1.0, 1.1 and 1.2 are spoken here' };
  }
  const update = readUpdate(parameters, maximumLifetime);
  if (!update.ok) return update;
  const { lifetime = defaultLifetime, binding = 'U', queueMode = false, sms } = update.message;
  return {
    ok: true,
    message: { endpoint, lifetime, version, binding, queueMode, ...(sms === undefined ? {} : { sms }) },
  };
}

/** Reads the queries of an Update. */
export function parseUpdate(query: readonly string[], maximumLifetime: number): Parsed<UpdateMessage> {
  const parameters = readParameters(query);
  return typeof parameters === 'string' ? refuse(parameters) : readUpdate(parameters, maximumLifetime);
}

/**
 * Reads the list of objects. A missing Content-Format means the link format: some clients leave it out of an Update.
 * Old answer formats of the list do not exist.
 */
export function parseBody(
  payload: Buffer,
  contentFormat: number | undefined,
  maximumObjects: number,
): Parsed<RegistrationBody> {
  if (contentFormat !== undefined && contentFormat !== ContentFormat.LINK_FORMAT) {
    return { ok: false, code: '4.15', explanation: 'the list of objects comes in application/link-format (40)' };
  }
  try {
    const { root, contentFormats, objects } = parseRegistrationLinks(payload);
    if (objects.length === 0) return refuse('the list names no object: a client has at least /1 and /3');
    if (objects.length > maximumObjects) {
      return refuse(`the list names ${objects.length} objects and instances; ${maximumObjects} are looked at`);
    }
    return {
      ok: true,
      message: {
        root,
        contentFormats: contentFormats.slice(0, mostFormats),
        inventory: {
          objects: objects.map((object): InventoryObject => ({
            path: root + object.path,
            objectID: urnOf(Number.parseInt(object.path.slice(1), 10)),
            version: object.version ?? '1.0',
          })),
        },
      },
    };
  } catch (error) {
    if (error instanceof CodecError) return refuse(error.message);
    throw error;
  }
}

export function digestOf(payload: Buffer): string {
  return hash('sha1', payload, 'base64');
}

/** OMNA classes of object IDs: 0-1023 of OMA, 2048-10240 of other bodies, beyond of vendors. */
export function urnOf(objectId: number): string {
  const owner = objectId < 2048 ? 'oma' : objectId <= 10_240 ? 'ext' : 'x';
  return `urn:oma:lwm2m:${owner}:${objectId}`;
}

function readParameters(query: readonly string[]): Map<string, string> | string {
  const parameters = new Map<string, string>();
  for (const part of query) {
    const equals = part.indexOf('=');
    const name = equals < 0 ? part : part.slice(0, equals);
    if (parameters.has(name)) return `${name.slice(0, 20)} is given twice`;
    parameters.set(name, equals < 0 ? '' : part.slice(equals + 1));
  }
  return parameters;
}

function readUpdate(parameters: Map<string, string>, maximumLifetime: number): Parsed<UpdateMessage> {
  const message: UpdateMessage = {};
  const lifetime = parameters.get('lt');
  if (lifetime !== undefined) {
    if (!/^\d{1,10}$/.test(lifetime) || Number(lifetime) > maximumLifetime) {
      return refuse(`the lifetime lt is a number of seconds from 0 to ${maximumLifetime}`);
    }
    message.lifetime = Number(lifetime);
  }
  const binding = parameters.get('b');
  if (binding !== undefined) {
    if (!/^[UTSNMHQ]{1,8}$/.test(binding)) return refuse('the binding b is made of the letters U, T, S, N, M, H and Q');
    message.binding = binding;
    message.queueMode = binding.includes('Q'); // 1.0: UQ, SQ, UQS
  }
  if (parameters.has('Q')) message.queueMode = true; // 1.1: a query of its own
  const sms = parameters.get('sms');
  if (sms !== undefined) message.sms = sms.slice(0, 32);
  return { ok: true, message };
}

function hasControlCharacter(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code < 32 || code === 127 || code === 0xfffd) return true;
  }
  return false;
}

function refuse(explanation: string): { ok: false } & Refusal {
  return { ok: false, code: '4.00', explanation };
}
