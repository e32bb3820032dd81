/** What carries datagrams: UDP here, DTLS later behind the same interface. Peers have opaque names that only the transport understands. */
import { createSocket, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';

/** Opaque name of a peer. Nobody but the transport that made it may take it apart. */
export type PeerId = string;

export interface Transport {
  /** `udp`; later `dtls`. */
  readonly scheme: string;
  /** Never throws; what cannot be sent is told to `onSendFailed`. */
  send(peer: PeerId, bytes: Uint8Array): void;
  /** One receiver of each kind; a later call replaces it. */
  onMessage(receive: (peer: PeerId, bytes: Buffer) => void): void;
  onSendFailed(receive: (error: Error) => void): void;
  /** Where it listens. */
  address(): { address: string; port: number };
  /** The peer for people and traces. */
  describe(peer: PeerId): string;
  close(): Promise<void>;
}

export interface UdpSettings {
  /** Address to bind: `127.0.0.1`, `0.0.0.0`, `::`. */
  host: string;
  /** 0 = any free port. */
  port: number;
  /** Octets the kernel may buffer for us; capped by the system. */
  receiveBuffer?: number;
}

/** Opens a UDP socket. Rejects with the system's error when the port is taken or the address is not ours. */
export function openUdpTransport(settings: UdpSettings): Promise<Transport> {
  const family = isIPv6(settings.host) ? 'udp6' : 'udp4';
  // Peers come from the socket as numeric addresses: node's default look-up would defer every datagram for nothing.
  const numeric = family === 'udp6' ? 6 : 4;
  const socket = createSocket({ type: family, lookup: (host, _options, done) => done(null, host, numeric) });
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.bind(settings.port, settings.host, () => {
      socket.removeListener('error', reject);
      enlargeBuffer(socket, settings.receiveBuffer ?? 4 * 1024 * 1024);
      resolve(udpTransport(socket));
    });
  });
}

function enlargeBuffer(socket: Socket, octets: number): void {
  try {
    socket.setRecvBufferSize(octets);
  } catch {
    // The system's default is enough to work with; only bursts suffer.
  }
}

const nothing = (): void => {};

function udpTransport(socket: Socket): Transport {
  let receive: (peer: PeerId, bytes: Buffer) => void = nothing;
  let sendFailed: (error: Error) => void = nothing;
  let closed = false;
  socket.on('message', (bytes, from) => receive(`${from.address}:${from.port}`, bytes));
  // E.g. a connection refused that ICMP reports: it concerns one datagram, and retransmission deals with it.
  socket.on('error', (error) => sendFailed(error));
  // One function for all datagrams.
  const sent = (error: Error | null): void => {
    if (error) sendFailed(error);
  };
  function pass(peer: PeerId, bytes: Uint8Array): void {
    const colon = peer.lastIndexOf(':');
    try {
      socket.send(bytes, Number(peer.slice(colon + 1)), peer.slice(0, colon), sent);
    } catch (error) {
      sendFailed(error instanceof Error ? error : new Error(String(error)));
    }
  }
  // What one turn of the event loop has to say leaves together: a receiver on this machine is woken once, not for every datagram.
  const peers: PeerId[] = [];
  const bodies: Uint8Array[] = [];
  function flush(): void {
    for (let index = 0; index < peers.length; index++) pass(peers[index]!, bodies[index]!);
    peers.length = 0;
    bodies.length = 0;
  }
  return {
    scheme: 'udp',
    send(peer, bytes) {
      if (closed) return;
      if (peers.length === 0) setImmediate(flush);
      peers.push(peer);
      bodies.push(bytes);
    },
    onMessage(next) {
      receive = next;
    },
    onSendFailed(next) {
      sendFailed = next;
    },
    address() {
      const { address, port } = socket.address();
      return { address, port };
    },
    describe: (peer) => peer,
    close() {
      if (closed) return Promise.resolve();
      flush();
      closed = true;
      return new Promise((resolve) => socket.close(() => resolve()));
    },
  };
}
