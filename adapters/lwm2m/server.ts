/** What devices ask of us: registrations, Send, Bootstrap (refused), artifacts. Stored before it is answered. */
import { afterAnswer, notAllowed, say } from './answers.ts';
import type { Answer, IncomingRequest } from './coap/responder.ts';
import { canonicalContentFormat, CodecError, ContentFormat, decode } from './codec/codec.ts';
import type { DeviceSession } from './device-session.ts';
import { goOn } from './going-on.ts';
import type { Leg } from './leg.ts';
import { reportValues } from './observations.ts';
import { serveRegistration } from './registrar.ts';
import { tellValues } from './trace-words.ts';

const sendFormats: ReadonlySet<number> = new Set([
  ContentFormat.SENML_JSON,
  ContentFormat.SENML_CBOR,
  ContentFormat.LWM2M_CBOR,
]);

export function createServer(leg: Leg): (request: IncomingRequest) => Answer | Promise<Answer> {
  return (request) => {
    const [first] = request.path;
    switch (first) {
      case 'rd':
        return serveRegistration(leg, request);
      case 'dp':
        return request.method === 'POST' && request.path.length === 1 ? takeSend(leg, request) : notAllowed();
      case 'artifacts':
      case 'transfers':
        return request.method === 'GET' ? serveArtifact(leg, request) : notAllowed();
      case 'bs':
        // A client that is told so goes on with the servers that it knows.
        return request.method === 'POST' ? say('4.04', 'this server does not bootstrap') : notAllowed();
      case 'bspack':
        return request.method === 'GET' ? say('4.04', 'this server has no bootstrap packs') : notAllowed();
      default:
        return say('4.04', 'there is nothing here; devices register at /rd');
    }
  };
}

/** Send (TS-Core 1.1, 6.4.6). */
async function takeSend(leg: Leg, request: IncomingRequest): Promise<Answer> {
  const session = leg.fleet.byPeer(request.peer);
  if (!session || session.device.presence.state === 'gone') return say('4.04', 'register before you send values');
  if (request.contentFormat === undefined || !sendFormats.has(canonicalContentFormat(request.contentFormat))) {
    return say('4.15', 'values are sent in SenML JSON (110), SenML CBOR (112) or LwM2M CBOR (11544)');
  }
  let values;
  try {
    values = decode(request.contentFormat, request.payload, '/', leg.model, { root: session.facts.root });
  } catch (error) {
    if (error instanceof CodecError) return say('4.00', error.message);
    throw error;
  }
  const known = objectIds(session);
  const unknown = values.find(({ path }) => !known.has(path.split('/')[1] ?? ''));
  if (unknown) return say('4.04', `${unknown.path} belongs to no object of the registration`);
  const naming = { model: leg.model, root: session.facts.root };
  leg.context.trace.record(session.device.id, tellValues('Send', { values, unreadable: [] }, naming));
  await reportValues(session, values);
  afterAnswer(() => goOn(session));
  return { code: '2.04' };
}

/** IDs of the objects of its registration. */
function objectIds({ facts, device }: DeviceSession): Set<string> {
  const at = facts.root.length + 1;
  return new Set(device.inventory.objects.map(({ path }) => path.slice(at).split('/', 1)[0] ?? ''));
}

async function serveArtifact(leg: Leg, request: IncomingRequest): Promise<Answer> {
  const { artifacts } = leg.context;
  const session = leg.fleet.byPeer(request.peer);
  if (session) afterAnswer(() => session.listen());
  const access = await artifacts.access?.({ path: request.path });
  if (!access) return say('4.04', 'there are no artifacts here');
  if (access.refused) return say(access.refused === 'not-found' ? '4.04' : '4.01', access.explanation);
  const { artifact } = access;
  return {
    code: '2.05',
    contentFormat: ContentFormat.OPAQUE,
    etag: Buffer.from(artifact.sha256.slice(0, 16), 'hex'),
    source: { size: artifact.size, read: (offset, length) => artifacts.read(artifact, offset, length) },
  };
}
