import { createSocket } from 'node:dgram';
import type { Socket } from 'node:dgram';

/** Where a device sends and hears datagrams. */
export interface DatagramPort {
  /** host:port as the device sees it. */
  readonly local: string;
  send(bytes: Buffer, port: number, address: string): void;
  onMessage(hear: (bytes: Buffer, from: string) => void): void;
  stop(): Promise<void>;
}

export async function openSocket(address: string): Promise<Socket> {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.bind(0, address, () => resolve());
  });
  return socket;
}

export function closeSocket(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.close(() => resolve()));
}

/** A socket of its own, which everybody reaches. */
export async function openPort(address: string): Promise<DatagramPort> {
  const socket = await openSocket(address);
  const own = socket.address();
  // What cannot be sent is lost, as on any network.
  socket.on('error', () => undefined);
  return {
    local: `${own.address}:${own.port}`,
    send: (bytes, port, to) => socket.send(bytes, port, to, () => undefined),
    onMessage: (hear) => void socket.on('message', (bytes, from) => hear(bytes, `${from.address}:${from.port}`)),
    stop: () => closeSocket(socket),
  };
}
