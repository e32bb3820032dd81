/**
 * Firmware and software images: files named by their digest below one directory, one row each in the store. Identical
 * content is one artifact. The row is written after the file is on the disk, and removed before it.
 */
import { mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import type { ReadStream } from 'node:fs';
import { open as openFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Artifact, ArtifactAccess, ArtifactRequest, ArtifactSource } from '../management/adapter.ts';
import { Conflict } from '../store/store.ts';
import type { Store } from '../store/store.ts';
import type { Clock } from '../support/clock.ts';
import type { Log } from '../support/log.ts';
import { createAccess } from './access.ts';
import { openDownload } from './download.ts';
import { ArtifactFailure } from './failure.ts';
import type { Grants } from './grants.ts';
import { PARTIAL, keep, receive, tooLarge } from './receive.ts';
import type { Received } from './receive.ts';
import { createWindows } from './windows.ts';

export interface ArtifactsOptions {
  directory: string;
  store: Store;
  /** Base of the URLs that devices fetch from; a function where the port is known only later. */
  publicUrl: string | (() => string);
  /** Base of CoAP URLs; undefined: the gateway serves no CoAP downloads. */
  coapUrl?: string | (() => string | undefined);
  grants: Grants;
  /** Everybody who knows the address of an image gets it. */
  anonymous: boolean;
  clock: Clock;
  log: Log;
  maximumBytes: number;
  /** ms in which a foreign URL must have been fetched whole. */
  fetchTimeout: number;
  /** ms without an octet after which an upload is given up; default 60,000. */
  idleTimeout?: number;
}

/** Octets `start` to `end`, both included, as in HTTP. */
export interface OctetRange {
  start: number;
  end: number;
}

export interface Artifacts extends ArtifactSource {
  /** Streams into the store. @throws ArtifactFailure, with the HTTP status */
  upload(
    name: string,
    contentType: string,
    stream: AsyncIterable<Uint8Array>,
    expectedSha256?: string,
  ): Promise<Artifact>;
  /** Newest first. */
  list(): Promise<Artifact[]>;
  byId(id: string): Promise<Artifact | undefined>;
  /** False: there is none. A download under way goes on to its end. */
  remove(id: string): Promise<boolean>;
  /** @throws ArtifactFailure `not-found` */
  open(id: string, range?: OctetRange): Promise<ReadStream>;
  /** How requesters name it. */
  urlOf(artifact: Artifact): string;
  /** Whether who asks so gets an artifact; never rejects but for the store. */
  access(request: ArtifactRequest): Promise<ArtifactAccess>;
}

const ID = /^[0-9a-f]{32}$/;
/** An upload that was cut off by the end of the process is swept after an hour; another process may still be at work. */
const PARTIAL_AGE = 3_600_000;
const FETCHES = 16;

export function createArtifacts(options: ArtifactsOptions): Artifacts {
  const { directory, store, log, grants, anonymous, clock } = options;
  const { maximumBytes, fetchTimeout, idleTimeout = 60_000 } = options;
  mkdirSync(directory, { recursive: true });
  sweepPartials(directory);
  const windows = createWindows();
  const limits = { maximumBytes, idleTimeout };
  const fetches = new Map<string, Promise<Artifact>>();
  const exclusive = createExclusive();

  const fileOf = (id: string): string => join(directory, id);
  const byId = async (id: string): Promise<Artifact | undefined> =>
    ID.test(id) ? (await store.get<Artifact>('artifacts', id))?.data : undefined;

  const publicBase = (): string =>
    trimSlash(typeof options.publicUrl === 'function' ? options.publicUrl() : options.publicUrl);
  const coapBase = (): string | undefined => {
    const base = typeof options.coapUrl === 'function' ? options.coapUrl() : options.coapUrl;
    return base === undefined ? undefined : trimSlash(base);
  };
  const urlOf = (artifact: Artifact): string => `${publicBase()}/artifacts/${artifact.id}/${artifact.name}`;

  const record = async (received: Received, name: string, contentType: string): Promise<Artifact> => {
    // Half of the digest is enough for a name, and short enough for the Package URI of a small device.
    const id = received.sha256.slice(0, 32);
    const existing = await byId(id);
    // Also when the row is there: the file may have been lost without it.
    await keep(received, fileOf(id));
    if (existing) return existing;
    const artifact: Artifact = { id, name, size: received.size, sha256: received.sha256, contentType };
    try {
      await store.commit({
        expect: [{ table: 'artifacts', key: id, version: 0 }],
        put: [{ table: 'artifacts', key: id, columns: { created: await store.now() }, data: artifact }],
      });
    } catch (error) {
      // Another process stored the same content at the same moment.
      const winner = error instanceof Conflict ? await byId(id) : undefined;
      if (winner) return winner;
      throw error;
    }
    log.info({ artifact: id, name, size: received.size }, 'artifact stored');
    return artifact;
  };

  const upload: Artifacts['upload'] = async (name, contentType, stream, expectedSha256) => {
    const received = await receive(directory, stream, limits);
    if (expectedSha256 !== undefined && expectedSha256.toLowerCase() !== received.sha256) {
      await rm(received.file, { force: true });
      throw new ArtifactFailure(
        'digest-mismatch',
        `the octets have the SHA-256 ${received.sha256}, not ${expectedSha256.slice(0, 64)}: send the artifact again`,
      );
    }
    return exclusive(received.sha256, () => record(received, name, contentType));
  };

  const byUrl = async (url: string): Promise<Artifact | undefined> => {
    for (const base of [publicBase(), coapBase()]) {
      if (base === undefined || !url.startsWith(`${base}/`)) continue;
      // Also where a device was told to fetch it: some show that address as theirs.
      const [folder, id = ''] = url.slice(base.length + 1).split(/[/?#]/);
      return folder === 'artifacts' || folder === 'transfers' ? byId(id) : undefined;
    }
    return undefined;
  };

  const fetchForeign = async (url: string): Promise<Artifact> => {
    const download = await openDownload(url, fetchTimeout);
    if (download.size !== undefined && download.size > maximumBytes) {
      download.discard();
      throw tooLarge(maximumBytes);
    }
    return upload(download.name, download.contentType, download.stream);
  };

  return {
    upload,
    byId,
    byUrl,
    urlOf,
    async list() {
      const rows = await store.find<Artifact>({
        table: 'artifacts',
        orderBy: [{ column: 'created', descending: true }],
      });
      return rows.map(({ data }) => data);
    },
    async remove(id) {
      const artifact = await byId(id);
      if (!artifact) return false;
      return exclusive(artifact.sha256, async () => {
        if (!(await byId(id))) return false;
        await store.commit({ delete: [{ table: 'artifacts', key: id }] });
        windows.forget(fileOf(id));
        await rm(fileOf(id), { force: true });
        return true;
      });
    },
    async open(id, range) {
      const artifact = await byId(id);
      if (!artifact) throw notFound(id);
      try {
        const handle = await openFile(fileOf(id), 'r');
        return handle.createReadStream(range ? { start: range.start, end: range.end } : {});
      } catch (error) {
        throw notFound(id, error);
      }
    },
    access: createAccess({ grants, clock, anonymous, byId }),
    async linkFor(_device, artifact, { scheme, operation, takesCredentials }) {
      const base = scheme === 'http' ? publicBase() : coapBase();
      if (base === undefined) return undefined;
      const { id, name } = artifact;
      const { username, password } = grants.credentialsFor(operation, id);
      // The same address for every operation: it names the package on the device (TR-181 DeploymentUnit.URL).
      if (takesCredentials) return { url: `${base}/transfers/${id}/${name}`, username, password };
      if (anonymous) return { url: scheme === 'http' ? urlOf(artifact) : `${base}/artifacts/${id}` };
      // Without the name: a Package URI is short.
      return { url: `${base}/transfers/${id}/${username}/${password}` };
    },
    async read(artifact, offset, length) {
      if (!ID.test(artifact.id)) throw notFound(artifact.id);
      if (offset < 0 || length < 0) throw new RangeError(`octets ${offset} + ${length} of an artifact`);
      if (offset >= artifact.size || length === 0) return new Uint8Array();
      try {
        return await windows.read(fileOf(artifact.id), offset, Math.min(length, artifact.size - offset));
      } catch (error) {
        throw notFound(artifact.id, error);
      }
    },
    async fetch(url) {
      const own = await byUrl(url);
      if (own) return own;
      // Many devices are told the same URL at the same moment: it is fetched once.
      const running = fetches.get(url);
      if (running) return running;
      if (fetches.size >= FETCHES) {
        throw new ArtifactFailure(
          'fetch-failed',
          `${FETCHES} images are being fetched already: repeat the request later`,
        );
      }
      const fetching = fetchForeign(url).finally(() => fetches.delete(url));
      fetches.set(url, fetching);
      return fetching;
    },
  };
}

function notFound(id: string, cause?: unknown): ArtifactFailure {
  return new ArtifactFailure('not-found', `there is no artifact ${id.slice(0, 64)}: upload it again`, cause);
}

function trimSlash(url: string): string {
  return url.replace(/\/+$/, '');
}

function sweepPartials(directory: string): void {
  for (const name of readdirSync(directory)) {
    if (!name.endsWith(PARTIAL)) continue;
    const file = join(directory, name);
    const entry = statSync(file, { throwIfNoEntry: false });
    if (entry && Date.now() - entry.mtimeMs > PARTIAL_AGE) rmSync(file, { force: true });
  }
}

/** Runs work on one name after the other; work on different names goes on side by side. */
function createExclusive(): <Result>(name: string, work: () => Promise<Result>) => Promise<Result> {
  const tails = new Map<string, Promise<unknown>>();
  return async (name, work) => {
    const before = tails.get(name) ?? Promise.resolve();
    // The one before answers for its own failure.
    const mine = before.then(work, work);
    tails.set(name, mine);
    try {
      return await mine;
    } finally {
      if (tails.get(name) === mine) tails.delete(name);
    }
  };
}
