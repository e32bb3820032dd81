/** Who gets an image, over HTTP and over CoAP: everybody, or a device with the credentials of an operation that goes on. */
import type { Artifact, ArtifactAccess, ArtifactRequest } from '../management/adapter.ts';
import type { Clock } from '../support/clock.ts';
import { createAuthenticator, isEqual } from '../support/http-authentication.ts';
import type { Grants } from './grants.ts';

export interface AccessParts {
  grants: Grants;
  clock: Clock;
  /** `/artifacts/…` is for everybody. */
  anonymous: boolean;
  byId(id: string): Promise<Artifact | undefined>;
}

const nonceLifetime = 300_000;
/** Of the id of an operation: nobody has us compute the digest of a novel. */
const longestOperation = 128;

/**
 * `/artifacts/<id>/<name>`, `/transfers/<id>/<name>` with user name and password, or `/transfers/<id>/<operation>/<password>` for a
 * device that can be told an address only. Nothing is looked up before the credentials are known to be right: a stranger learns
 * nothing of what is here, and costs no read of the store.
 */
export function createAccess(parts: AccessParts): (request: ArtifactRequest) => Promise<ArtifactAccess> {
  const { grants, clock, anonymous, byId } = parts;
  const key = grants.nonceKey;
  const authenticator = createAuthenticator({ realm: 'trivet images', clock, nonceLifetime, basic: true, key });

  function refuse(refused: 'unauthorized' | 'ended', explanation: string, stale = false): ArtifactAccess {
    return { refused, explanation, challenges: authenticator.challenge(stale) };
  }

  async function give(id: string): Promise<ArtifactAccess> {
    const artifact = await byId(id);
    return artifact ? { artifact } : notFound;
  }

  function giveFor(operation: string, id: string): Promise<ArtifactAccess> | ArtifactAccess {
    if (grants.isUnderWay(operation)) return give(id);
    return refuse('ended', `operation ${operation} has ended, and what it granted with it: order the download again`);
  }

  function byAddress(id: string, operation: string, password: string): Promise<ArtifactAccess> | ArtifactAccess {
    const isGranted =
      operation.length <= longestOperation && isEqual(password, grants.credentialsFor(operation, id).password);
    return isGranted ? giveFor(operation, id) : refuse('unauthorized', 'this address was given to no device');
  }

  function byCredentials(id: string, { method = 'GET', authorization }: ArtifactRequest, needed: string) {
    const operation = authenticator.claimed(authorization) ?? '';
    if (operation === '' || operation.length > longestOperation) return refuse('unauthorized', needed);
    const expected = grants.credentialsFor(operation, id);
    const verdict = authenticator.verify({ method, authorization, body: new Uint8Array() }, expected);
    return verdict.ok ? giveFor(operation, id) : refuse('unauthorized', `${needed}: ${verdict.why}`, verdict.stale);
  }

  return async (request) => {
    const [folder, id = '', ...rest] = request.path.filter((segment) => segment !== '');
    const [first = '', second] = rest;
    if (folder === 'artifacts' && rest.length <= 1) return anonymous ? give(id) : byCredentials(id, request, closed);
    if (folder !== 'transfers' || rest.length > 2) return notFound;
    return second === undefined ? byCredentials(id, request, needsCredentials) : byAddress(id, first, second);
  };
}

const notFound: ArtifactAccess = { refused: 'not-found', explanation: 'no such artifact', challenges: [] };
const needsCredentials =
  'this image is for the device that was told to fetch it, with the user name and password it was told';
const closed =
  'images are not for everybody here (setting artifact.anonymous): a device is told where and how to fetch its own';
