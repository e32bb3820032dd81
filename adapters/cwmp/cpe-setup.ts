/** What the gateway wants of a CPE for itself, before its lane: credentials and periodic Informs, STUN, the methods that it has. */
import { findLackingMethods } from './abilities.ts';
import type { Channel } from './channel.ts';
import type { CpeRecord } from './cpe-record.ts';
import type { Leg } from './leg.ts';
import { newCredentials, provision } from './provisioning.ts';
import { stunUsername } from './stun-bindings.ts';
import { provisionStun, textOfPlan } from './stun-provisioning.ts';

const parameterKey = 'trivet';

/** Our settings; what it would not take is told in its next session. */
export async function tellSettings({ context, settings }: Leg, record: CpeRecord, channel: Channel): Promise<void> {
  const { facts } = record;
  // Kept before they are sent: without them the CPE could not be called any more.
  facts.connectionRequest ??= newCredentials();
  await record.remember();
  const { root, connectionRequest: credentials } = facts;
  // Told once: a second time would move its phase.
  const periodicInterval = facts.periodicInterval === settings.periodicInterval ? 0 : settings.periodicInterval;
  const given = { root, credentials, periodicInterval, now: context.now() };
  const { taken, stopped } = await provision(channel, given, parameterKey);
  if (taken.has(`${root}ManagementServer.PeriodicInformInterval`)) facts.periodicInterval = periodicInterval;
  if (stopped) {
    const why = stopped.evidence ?? stopped.explanation;
    context.log.info({ device: record.id, why }, 'a CPE is given its credentials again in its next session');
  } else facts.provisioned = true;
  await record.remember();
}

/** Our STUN server, when it has not been told yet, was told of another one, or there is none any more. */
export async function tellStun(leg: Leg, record: CpeRecord, channel: Channel): Promise<void> {
  const { facts } = record;
  const plan = leg.stun?.plan;
  const told = plan ? textOfPlan(plan) : '';
  if (told === (facts.stun?.told ?? '')) return;
  // Kept before they are sent, as those of connection requests.
  facts.stun ??= { ...newCredentials(), username: stunUsername(record.id), told: '', proves: false };
  await record.remember();
  const { username, password } = facts.stun;
  const wanted = plan && { ...plan, credentials: { username, password } };
  const { stopped, udpAddress } = await provisionStun(channel, facts.root, wanted, parameterKey);
  if (stopped) return;
  if (udpAddress !== undefined) facts.udpAddress = udpAddress;
  facts.stun = { ...facts.stun, told };
  await record.remember();
}

export async function askForMethods(record: CpeRecord, channel: Channel): Promise<void> {
  const { facts } = record;
  facts.lacking = await findLackingMethods(channel);
  // Where its objects are looked for, it is kept with them.
  if (facts.lacking && facts.discovered) await record.remember();
}
