/** Settings of the CSE. `completeSettings` fills in what a caller leaves out; the names that existing oneM2M tools expect are the defaults. */
import type { NetworkLocation } from './access-locations.ts';

export interface CseSettings {
  /** Resource name of the CSEBase. */
  cseBaseName: string;
  /** Resource ID of the CSEBase. */
  cseBaseResourceID: string;
  /** CSE-ID with its leading slash. */
  cseId: string;
  /** FQDN of the service provider, without slashes; absent: absolute addresses are foreign. */
  spId?: string;
  /** This originator may do everything. */
  adminOriginator: string;
  /** Wait of a request that names no Request Expiration, ms. */
  defaultRequestExpiration: number;
  /** The same of a non-blocking request: a sleeping device may take its time. */
  defaultNonBlockingExpiration: number;
  /** Longest lifetime of a resource from now, ms; a later expirationTime is lowered to it. */
  maximumExpiration: number;
  /** How long a `<request>` is kept when neither Result Persistence nor a result expiration says so, ms. */
  requestPersistence: number;
  /** URLs under which the CSE is reached; read at `start`, when the listeners are open. */
  pointOfAccess: () => string[];
  /** Originators that look like AE-IDs need an `<AE>` (4106 otherwise), even where a policy names them. */
  requireRegistration: boolean;
  /** A `<mgmtCmd>` needs every argument of its command (6024), not only what no device can do without. */
  strictArguments: boolean;
  /** Where requesters are, by network; for the location contexts of rules. */
  locations: readonly NetworkLocation[];
  /** A NOTIFY asks a foreign notification target before a subscription is made. */
  verifySubscriptions: boolean;
  /** A request that lists resources answers with at most so many; what is left is told by Content Status. */
  maximumResults: number;
  /** Non-blocking requests that wait or run; more are refused with 5207. */
  maximumRequestsInFlight: number;
  /** Resources that the cache holds. */
  cachedResources: number;
  /** Characters of JSON that the cache of serialized resources holds. */
  cachedCharacters: number;
  /** Pause between two sweeps of expired resources, ms. */
  sweepInterval: number;
  /** Resources removed by one commit of a sweep or of a big deletion. */
  removalChunk: number;
  /** Attempts of a commit that meets a version conflict. */
  commitAttempts: number;
}

const day = 24 * 3600 * 1000;

export const defaultCseSettings: CseSettings = Object.freeze({
  cseBaseName: 'cse-in',
  cseBaseResourceID: 'id-in',
  cseId: '/id-in',
  adminOriginator: 'CAdmin',
  defaultRequestExpiration: 30_000,
  defaultNonBlockingExpiration: day,
  maximumExpiration: 5 * 365 * day,
  requestPersistence: 10 * 60 * 1000,
  pointOfAccess: () => [],
  requireRegistration: false,
  strictArguments: false,
  locations: [],
  verifySubscriptions: true,
  maximumResults: 5_000,
  maximumRequestsInFlight: 50_000,
  cachedResources: 100_000,
  cachedCharacters: 64 * 1024 * 1024,
  sweepInterval: 30_000,
  removalChunk: 500,
  commitAttempts: 12,
});

export function completeSettings(settings: Partial<CseSettings>): CseSettings {
  return { ...defaultCseSettings, ...settings };
}
