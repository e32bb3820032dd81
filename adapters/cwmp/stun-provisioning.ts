/** Tells a CPE of our STUN server, or to use it no more (TR-069 annex G; both data models have the same names below ManagementServer). */
import type { Failure } from '../../src/management/outcome.ts';
import type { Credentials } from '../../src/support/http-authentication.ts';
import type { Channel } from './channel.ts';
import { setValues } from './literals.ts';
import { isFinal } from './provisioning.ts';
import { readValues } from './reading.ts';
import type { ParameterValue } from './values.ts';

/** Where CPEs find the STUN server. */
export interface StunPlan {
  /** Name or address; empty = the host of the ACS, which is what a CPE takes then. */
  address: string;
  port: number;
  /** s between two binding requests, at least. */
  keepAlive: number;
}

/** What is kept with a device: another plan is told anew. */
export function textOfPlan({ address, port, keepAlive }: StunPlan): string {
  return `${address}:${port} ${keepAlive}`;
}

export interface StunProvisioned {
  /** UDPConnectionRequestAddress as it is now. */
  udpAddress?: string;
  /** Why the CPE was not told all of it, when it may take it another time. */
  stopped?: Failure;
}

/** @param plan undefined: STUN is switched off */
export async function provisionStun(
  channel: Channel,
  root: string,
  plan: (StunPlan & { credentials: Credentials }) | undefined,
  key: string,
): Promise<StunProvisioned> {
  const server = `${root}ManagementServer.`;
  const groups = plan ? groupsOf(server, plan) : [[boolean(`${server}STUNEnable`, false)]];
  const all = await setValues(channel, groups.flat(), key);
  if (!all.answer) {
    if (all.failure.cause === 'no-answer') return { stopped: all.failure };
    // What belongs together is set together; a CPE that lacks the others is served without them.
    for (const [index, group] of groups.entries()) {
      const { answer, failure, fault } = groups.length === 1 ? all : await setValues(channel, group, key);
      if (answer) continue;
      // The period is a wish, and a CPE may have limits of its own.
      const isWish = index === 2 && failure.cause !== 'no-answer';
      if (!isWish && !isFinal(fault)) return { stopped: failure };
      // It has no STUN.
      if (index === 0) return {};
    }
  }
  return plan ? watchAddress(channel, `${server}UDPConnectionRequestAddress`) : {};
}

function groupsOf(server: string, plan: StunPlan & { credentials: Credentials }): ParameterValue[][] {
  const number = (name: string, value: number): ParameterValue => ({
    name: server + name,
    value: String(value),
    type: 'unsignedInt',
  });
  const text = (name: string, value: string): ParameterValue => ({ name: server + name, value, type: 'string' });
  return [
    [
      boolean(`${server}STUNEnable`, true),
      text('STUNServerAddress', plan.address),
      number('STUNServerPort', plan.port),
    ],
    [text('STUNUsername', plan.credentials.username), text('STUNPassword', plan.credentials.password)],
    [number('STUNMinimumKeepAlivePeriod', plan.keepAlive)],
  ];
}

function boolean(name: string, value: boolean): ParameterValue {
  return { name, value: String(value), type: 'boolean' };
}

/** A changed address comes with 4 VALUE CHANGE only when it is asked for (TR-069 G.2.1.3); one that is found already does not come. */
async function watchAddress(channel: Channel, path: string): Promise<StunProvisioned> {
  const { failure } = await channel.ask('SetParameterAttributes', { changes: [{ name: path, notification: 2 }] });
  // 9009: some notify of it in any case, and refuse to be told.
  if (failure?.cause === 'no-answer') return { stopped: failure };
  const { values, stopped } = await readValues(channel, [path]);
  if (stopped) return { stopped };
  const udpAddress = values.get(path)?.value;
  return udpAddress ? { udpAddress } : {};
}
