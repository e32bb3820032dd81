/** A network address translator between one device and the gateway, which gives the device another port when it is told to. */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';

export interface Nat {
  /** Where the device finds the gateway. */
  readonly url: string;
  /** Port that the gateway sees. */
  readonly port: number;
  /** From now on the device has another port. */
  rebind(): Promise<void>;
  /** Datagrams that the gateway has sent to ports that the device had before, since it has the present one. */
  readonly strays: number;
  close(): void;
}

/** @param server `coap://127.0.0.1:PORT` */
export async function openNat(server: string): Promise<Nat> {
  const target = Number(new URL(server).port);
  const inside = await bound();
  const olds: Socket[] = [];
  let outside = await bound();
  let device = 0;
  let strays = 0;

  function carry(socket: Socket): void {
    socket.on('message', (bytes) => {
      if (socket === outside) inside.send(bytes, device, '127.0.0.1');
      else strays++;
    });
  }

  inside.on('message', (bytes, from) => {
    device = from.port;
    outside.send(bytes, target, '127.0.0.1');
  });
  carry(outside);
  return {
    url: `coap://127.0.0.1:${inside.address().port}`,
    get port() {
      return outside.address().port;
    },
    get strays() {
      return strays;
    },
    async rebind() {
      // It stays open, so that what is sent there is seen, and nobody else gets the port.
      olds.push(outside);
      const next = await bound();
      carry(next);
      strays = 0;
      outside = next;
    },
    close() {
      for (const socket of [inside, outside, ...olds]) socket.close();
    },
  };
}

async function bound(): Promise<Socket> {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return socket;
}
