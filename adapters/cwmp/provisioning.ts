/** What the gateway writes into ManagementServer of a CPE that it sees for the first time, or that has lost everything. */
import { randomBytes } from 'node:crypto';
import type { Channel } from './channel.ts';
import type { Credentials } from '../../src/support/http-authentication.ts';
import type { Failure } from '../../src/management/outcome.ts';
import type { CpeFault } from './faults.ts';
import { setValues } from './literals.ts';
import { writeTime } from './scalars.ts';
import type { ParameterValue } from './values.ts';

/** Credentials of our own: those in the CPE cannot be read (quirk 41). Letters and digits, which every CPE takes. */
export function newCredentials(): Credentials {
  return { username: `trivet-${randomBytes(4).toString('hex')}`, password: randomBytes(12).toString('hex') };
}

export interface Provision {
  root: string;
  credentials: Credentials;
  /** s; 0 = left alone. */
  periodicInterval: number;
  /** ms since 1970. */
  now: number;
}

/** The phase of the periodic Inform is random, so that CPEs that start at the same moment do not come at the same moment. */
function valuesFor({ root, credentials, periodicInterval, now }: Provision): ParameterValue[] {
  const server = `${root}ManagementServer.`;
  const phase = Math.floor(now / 1000) - Math.floor(Math.random() * Math.max(1, periodicInterval));
  const periodic: ParameterValue[] =
    periodicInterval === 0
      ? []
      : [
          { name: `${server}PeriodicInformEnable`, value: 'true', type: 'boolean' },
          { name: `${server}PeriodicInformInterval`, value: String(periodicInterval), type: 'unsignedInt' },
          { name: `${server}PeriodicInformTime`, value: writeTime(phase), type: 'dateTime' },
        ];
  return [
    { name: `${server}ConnectionRequestUsername`, value: credentials.username, type: 'string' },
    { name: `${server}ConnectionRequestPassword`, value: credentials.password, type: 'string' },
    ...periodic,
  ];
}

export interface Provisioned {
  /** Names that the CPE took. */
  taken: Set<string>;
  /** Why the CPE has no credentials, when it may take them another time. */
  stopped?: Failure;
}

/** Names that the CPE does not have or does not let us write: it will not do so another time either. */
const finalRefusals: ReadonlySet<number> = new Set([9005, 9008]);

/** Another time it would be refused as well. */
export function isFinal(fault: CpeFault | undefined): boolean {
  if (!fault) return false;
  const codes = fault.parameters.length > 0 ? fault.parameters.map(({ code }) => code) : [fault.code];
  return codes.every((code) => finalRefusals.has(code));
}

/** Writes all at once; when one is refused, each by itself, so that the others are not lost with it. */
export async function provision(channel: Channel, given: Provision, key: string): Promise<Provisioned> {
  const values = valuesFor(given);
  const all = await setValues(channel, values, key);
  if (all.answer) return { taken: new Set(values.map(({ name }) => name)) };
  const taken = new Set<string>();
  // User name and password belong together; without them the CPE could not be called.
  const [username, password, ...others] = values;
  const credentials = [username!, password!];
  const isAlone = others.length === 0;
  const own = isAlone ? all : await setValues(channel, credentials, key);
  if (own.answer) for (const { name } of credentials) taken.add(name);
  let stopped = own.answer || isFinal(own.fault) ? undefined : own.failure;
  for (const one of others) {
    if (stopped?.cause === 'no-answer') break;
    const { answer, failure } = await setValues(channel, [one], key);
    if (answer) taken.add(one.name);
    else if (failure.cause === 'no-answer') stopped = failure;
  }
  return stopped ? { taken, stopped } : { taken };
}
