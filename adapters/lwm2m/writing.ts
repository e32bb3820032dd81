/** The steps that change a device: write, execute, create, delete; and discover. */
import type { Assignment, Step, Value } from '../../src/management/operation.ts';
import type { Failure, TargetResult } from '../../src/management/outcome.ts';
import { codeWithName, isSuccess } from './coap/codes.ts';
import type { CoapRequest, CoapResponse } from './coap/endpoint.ts';
import { CodecError, ContentFormat, encode } from './codec/codec.ts';
import { parseLinks } from './codec/core-link.ts';
import { instanceOf, relativePath, unreadable, type Channel } from './channel.ts';
import { compositeFormats, isStructured, resourceFormats, structuredFormats } from './content-formats.ts';
import { failureOfCode } from './failures.ts';
import { withTargets, type ObjectModel } from './object-model.ts';
import { isSilence, type Done } from './reading.ts';

export type Create = Extract<Step, { action: 'create' }>;

/** A value that no format can say: found before anything is sent. */
export function checkAssignments(
  channel: Channel,
  assignments: readonly Assignment[],
  base?: string,
): Failure | undefined {
  const model = modelFor(channel, assignments);
  for (const assignment of assignments) {
    const path = base ?? assignment.path;
    try {
      const formats = base
        ? structuredFormats(channel.facts)
        : resourceFormats(channel.facts, assignment.value, assignment.type, isMultiple(channel, assignment, model));
      encode(formats[0]!, path, [assignment], model, { root: channel.facts.root });
    } catch (error) {
      if (!(error instanceof CodecError)) throw error;
      return { cause: 'conversion', explanation: `${error.message}; nothing was sent`, path: assignment.path };
    }
  }
  return undefined;
}

/** Writes what belongs to one object instance in one exchange (partial update), a single resource by replacing it. */
export async function writeAssignments(channel: Channel, assignments: readonly Assignment[]): Promise<Done> {
  const results: TargetResult[] = [];
  const model = modelFor(channel, assignments);
  const groups = new Map<string, Assignment[]>();
  for (const assignment of assignments) {
    const instance = instanceOf(channel.facts, assignment.path);
    const members = groups.get(instance);
    if (members) members.push(assignment);
    else groups.set(instance, [assignment]);
  }
  if (groups.size > 1 && (await channel.servesComposite())) {
    const done = await writeComposite(channel, assignments, model);
    if (done) return done;
  }
  for (const [instance, members] of groups) {
    const failure =
      members.length === 1
        ? await writeResource(channel, members[0]!, model)
        : await writeInstance(channel, instance, members, model);
    for (const { path } of members)
      results.push(failure ? { path, failure: { ...failure, path } } : { path, done: true });
    if (failure) return { results, failure };
  }
  return { results };
}

async function writeInstance(
  channel: Channel,
  instance: string,
  members: readonly Assignment[],
  model: ObjectModel,
): Promise<Failure | undefined> {
  const failure = await send(
    channel,
    { method: 'POST', path: instance },
    instance,
    members,
    structuredFormats(channel.facts),
    model,
  );
  // A client without partial update: one resource after the other.
  if (failure?.cause !== 'not-allowed' && failure?.cause !== 'not-implemented') return failure;
  for (const member of members) {
    const refused = await writeResource(channel, member, model);
    if (refused) return refused;
  }
  return undefined;
}

function writeResource(channel: Channel, assignment: Assignment, model: ObjectModel): Promise<Failure | undefined> {
  const { path, value, type } = assignment;
  const formats = resourceFormats(channel.facts, value, type, isMultiple(channel, assignment, model));
  return send(channel, { method: 'PUT', path }, path, [assignment], formats, model);
}

/** Sends values in the first format that the client takes, and remembers which one that was. */
async function send(
  channel: Channel,
  request: CoapRequest,
  base: string,
  values: readonly Assignment[],
  formats: readonly number[],
  model: ObjectModel,
): Promise<Failure | undefined> {
  const sent = await sendForResponse(channel, request, base, values, formats, model);
  if (!sent.response) return sent.failure;
  return isSuccess(sent.response.code) ? undefined : failureOfCode(sent.response.code, base);
}

async function sendForResponse(
  channel: Channel,
  request: CoapRequest,
  base: string,
  values: readonly Assignment[],
  formats: readonly number[],
  model: ObjectModel,
): Promise<{ response: CoapResponse; failure?: undefined } | { response?: undefined; failure: Failure }> {
  let refused: CoapResponse | undefined;
  let unsayable: Failure | undefined;
  for (const contentFormat of formats) {
    let payload: Buffer;
    try {
      payload = encode(contentFormat, base, values, model, { root: channel.facts.root });
    } catch (error) {
      if (!(error instanceof CodecError)) throw error;
      unsayable = { cause: 'conversion', explanation: error.message, path: base };
      continue;
    }
    const asked = await channel.ask({ ...request, contentFormat, payload });
    if (!asked.response) return asked;
    const { code } = asked.response;
    if (code !== '4.15' && code !== '4.06') {
      if (isSuccess(code) && isStructured(contentFormat)) channel.learn({ structured: contentFormat });
      return asked;
    }
    refused = asked.response;
    if (isStructured(contentFormat)) {
      const known = channel.facts.learned.refused ?? [];
      if (!known.includes(contentFormat)) channel.learn({ refused: [...known, contentFormat] });
    }
  }
  return refused ? { response: refused } : { failure: unsayable ?? unreadable('no format is left', base) };
}

/** All or nothing (TS-Core 1.1, 6.3.4). Undefined: the client does not serve it, and nothing was done. */
async function writeComposite(
  channel: Channel,
  assignments: readonly Assignment[],
  model: ObjectModel,
): Promise<Done | undefined> {
  const [contentFormat] = compositeFormats(channel.facts);
  const payload = encode(contentFormat!, '/', assignments, model, { root: channel.facts.root });
  const { response, failure } = await channel.ask({ method: 'iPATCH', path: '/', contentFormat, payload });
  if (failure) {
    return isSilence(failure)
      ? { results: assignments.map(({ path }) => ({ path, failure: { ...failure, path } })), failure }
      : undefined;
  }
  if (isSuccess(response.code)) return { results: assignments.map(({ path }) => ({ path, done: true })) };
  if (['4.02', '4.05', '4.15', '5.01'].includes(response.code)) channel.learn({ composite: false });
  return undefined;
}

export async function executeTarget(
  channel: Channel,
  path: string,
  argumentText?: string,
): Promise<Failure | undefined> {
  const request: CoapRequest = { method: 'POST', path };
  if (argumentText !== undefined && argumentText !== '') {
    request.contentFormat = ContentFormat.TEXT;
    request.payload = Buffer.from(argumentText, 'utf8');
  }
  const { response, failure } = await channel.ask(request);
  if (failure) return failure;
  return isSuccess(response.code) ? undefined : failureOfCode(response.code, path);
}

/** Creates an object instance. `created` is its path. */
export async function createInstance(
  channel: Channel,
  step: Create,
  has: (path: string) => boolean,
): Promise<{ created?: string; failure?: Failure; evidence?: string }> {
  const model = modelFor(channel, step.assignments);
  const before = step.instance === undefined ? await listInstances(channel, step.path) : undefined;
  const { response, failure } = await sendForResponse(
    channel,
    { method: 'POST', path: step.path },
    step.path,
    step.assignments,
    structuredFormats(channel.facts),
    model,
  );
  if (failure) return { failure };
  const wanted = step.instance === undefined ? undefined : `${step.path}/${step.instance}`;
  if (!isSuccess(response.code)) {
    const refused = failureOfCode(response.code, wanted ?? step.path);
    // Table 6.4.1-1 of TS-0005: 4.00 is "already exists", or mandatory resources are missing.
    if (response.code === '4.00') refused.cause = wanted && has(wanted) ? 'already-exists' : 'contents-unacceptable';
    return { failure: refused };
  }
  const location = response.options.locationPath;
  const evidence = codeWithName(response.code);
  if (location?.length) {
    const path = `/${location.join('/')}`;
    const { root } = channel.facts;
    return { created: path.startsWith(`${root}/`) ? path : root + path, evidence };
  }
  if (wanted) return { created: wanted, evidence };
  const after = await listInstances(channel, step.path);
  return { created: after.find((path) => !before?.includes(path)), evidence };
}

/** Paths of the instances of an object, by Discover. */
async function listInstances(channel: Channel, path: string): Promise<string[]> {
  const { links } = await discover(channel, path);
  return (links ?? []).map(({ path: one }) => instanceOf(channel.facts, one)).filter((one) => one !== path);
}

export async function deleteInstance(channel: Channel, path: string): Promise<Failure | undefined> {
  const { response, failure } = await channel.ask({ method: 'DELETE', path });
  if (failure) return failure;
  return isSuccess(response.code) ? undefined : failureOfCode(response.code, path);
}

/** What is below a path, each with its attributes as text: `pmin=10;dim=2`. */
export async function discover(
  channel: Channel,
  path: string,
): Promise<
  { links: { path: string; attributes: string }[]; failure?: undefined } | { links?: undefined; failure: Failure }
> {
  const { response, failure } = await channel.ask({ method: 'GET', path, accept: ContentFormat.LINK_FORMAT });
  if (failure) return { failure };
  if (!isSuccess(response.code)) return { failure: failureOfCode(response.code, path) };
  try {
    const links = parseLinks(response.payload).map(({ target, attributes }) => ({
      path: target.startsWith(`${channel.facts.root}/`) ? target : channel.facts.root + target,
      attributes: Object.entries(attributes)
        .map(([name, value]) => (value === '' ? name : `${name}=${value}`))
        .join(';'),
    }));
    return { links };
  } catch (error) {
    if (error instanceof CodecError) return { failure: unreadable(error.message, path) };
    throw error;
  }
}

/** Write-Attributes (TS-Core 1.1, 6.3.5): a PUT without payload. An undefined value takes the attribute away. */
export async function writeAttributes(
  channel: Channel,
  path: string,
  attributes: Record<string, number | undefined>,
): Promise<Failure | undefined> {
  const query = Object.entries(attributes).map(([name, value]) => (value === undefined ? name : `${name}=${value}`));
  const { response, failure } = await channel.ask({ method: 'PUT', path, query, priority: 'background' });
  if (failure) return failure;
  return isSuccess(response.code) ? undefined : failureOfCode(response.code, path);
}

function modelFor(channel: Channel, assignments: readonly Assignment[]): ObjectModel {
  const { facts, model } = channel;
  return withTargets(
    model,
    facts.root === '' ? assignments : assignments.map((one) => ({ ...one, path: relativePath(facts, one.path) })),
  );
}

function isMultiple(
  channel: Channel,
  { path, multiple }: { path: string; value: Value; multiple?: boolean },
  model: ObjectModel,
): boolean {
  const ids = relativePath(channel.facts, path).split('/').slice(1).map(Number);
  if (ids.length !== 3) return false;
  return model.resource(ids[0]!, ids[2]!)?.multiple ?? multiple ?? false;
}
