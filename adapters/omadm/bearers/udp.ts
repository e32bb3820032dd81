/** A notification as a WSP push in one UDP datagram, for a device that is in an IP network without a push proxy. */
import { createSocket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { problemWithAddress, withoutMapping } from '../../../src/support/device-address.ts';
import { pushPort, wrapInPush } from '../notification.ts';
import { networksSetting, type Bearer, type BearerSettings, type CallResult } from './bearer.ts';

/** Datagrams get lost; a device drops a second one with the same session. */
const copies = 2;

export function createUdpBearer({ networks }: BearerSettings): Bearer {
  return {
    async notify({ address: given, notification, seenAt }): Promise<CallResult> {
      const target = readUdpAddress(given);
      if (!target)
        return { result: 'forbidden', why: `${given} is no address like udp:192.0.2.7 or udp:192.0.2.7:2948` };
      try {
        const address = await addressOf(target.host);
        if (address === undefined) return { result: 'unreachable', why: `the name ${target.host} is not known` };
        const problem = problemWithAddress(address, { seenAt, networks, setting: networksSetting });
        if (problem) return { result: 'forbidden', why: problem };
        await send(wrapInPush(notification), target.port, address);
        return { result: 'sent', by: 'UDP' };
      } catch (error) {
        return { result: 'unreachable', why: `the datagram could not be sent: ${(error as Error).message}` };
      }
    },
  };
}

/** `udp:host`, `udp:host:port`, `udp:[address]:port`; undefined when it is neither. */
export function readUdpAddress(text: string): { host: string; port: number } | undefined {
  const match = /^udp:(?:\/\/)?(?:\[([^\]]+)\]|([^:[\]/]+))(?::(\d{1,5}))?$/i.exec(text.trim());
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3] ?? pushPort);
  return host === undefined || port < 1 || port > 65_535 ? undefined : { host, port };
}

async function addressOf(host: string): Promise<string | undefined> {
  const plain = withoutMapping(host);
  if (isIP(plain) !== 0) return plain;
  return lookup(plain).then(
    ({ address }) => address,
    () => undefined,
  );
}

async function send(datagram: Buffer, port: number, address: string): Promise<void> {
  const socket = createSocket(isIP(address) === 6 ? 'udp6' : 'udp4');
  // Errors come with the datagram that they concern.
  socket.on('error', () => {});
  try {
    for (let copy = 0; copy < copies; copy++) {
      await new Promise<void>((resolve, reject) => {
        socket.send(datagram, port, address, (error) => (error ? reject(error) : resolve()));
      });
    }
  } finally {
    socket.close();
  }
}
