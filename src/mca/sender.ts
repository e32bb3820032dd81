/** Where a request comes from: the peer, or what a trusted proxy says of it. */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Sender } from '../onem2m/primitive.ts';
import { createForwardedAddressOf, plainAddress } from '../support/forwarded-address.ts';

export type SenderOf = (request: IncomingMessage) => Sender;

/** Throws on an entry of `trustedProxies` that is no address or block. */
export function createSenderOf(trustedProxies: readonly string[]): SenderOf {
  const forwardedAddressOf = createForwardedAddressOf(trustedProxies);
  const bySocket = new WeakMap<Socket, Sender>();
  return (request) => {
    const { socket } = request;
    const address = forwardedAddressOf(request);
    if (address !== undefined) return { address, authenticated: false };
    let sender = bySocket.get(socket);
    if (!sender) {
      sender = Object.freeze({ address: plainAddress(socket.remoteAddress), authenticated: false });
      bySocket.set(socket, sender);
    }
    return sender;
  };
}
