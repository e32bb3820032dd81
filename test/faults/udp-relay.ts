/**
 * A network between devices and the gateway: one address that devices know, one socket per device towards the gateway, so that the
 * gateway sees a peer for each. It loses, doubles and reorders on request, and tells of every datagram before it is passed on.
 */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';

/** `up`: from a device to the gateway. */
export type Direction = 'up' | 'down';

export interface Datagram {
  direction: Direction;
  /** UDP port of the device: what tells devices apart. */
  device: number;
  bytes: Buffer;
}

export interface Disturbance {
  /** Shares of the datagrams, 0..1, each way. */
  loss?: number;
  /** At most so many datagrams of one exchange are lost: a message, its repeats and what acknowledges them. Default: no limit. */
  lossesOfExchange?: number;
  duplication?: number;
  /** Share that is held back, so that later ones overtake it. */
  reordering?: number;
  /** How long they are held back, ms. */
  holdBack?: number;
}

export interface RelayCounts {
  passed: number;
  lost: number;
  doubled: number;
  heldBack: number;
}

export class UdpRelay {
  readonly counts: RelayCounts = { passed: 0, lost: 0, doubled: 0, heldBack: 0 };
  disturbance: Disturbance = {};
  /** Called before a datagram is passed on; `false` drops it. */
  watch: ((datagram: Datagram) => boolean | void) | undefined;
  readonly #front: Socket;
  readonly #backs = new Map<number, Socket>();
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #random: () => number;
  /** Lost datagrams of each exchange. */
  readonly #losses = new Map<string, number>();
  #target = 0;
  readonly #waiting: (() => void)[] = [];

  private constructor(front: Socket, random: () => number) {
    this.#front = front;
    this.#random = random;
    front.on('message', (bytes, from) => this.#fromDevice(bytes, from));
    front.on('error', ignore);
  }

  /** @param random numbers in [0, 1) */
  static async open(random: () => number = Math.random): Promise<UdpRelay> {
    const front = createSocket('udp4');
    front.bind(0, '127.0.0.1');
    await once(front, 'listening');
    return new UdpRelay(front, random);
  }

  get port(): number {
    return this.#front.address().port;
  }

  get url(): string {
    return `coap://127.0.0.1:${this.port}`;
  }

  /** Where the gateway listens from now on; what devices have sent in between arrives late. */
  aim(port: number): void {
    this.#target = port;
    for (const pass of this.#waiting.splice(0)) pass();
  }

  /** The gateway is away: what devices send waits in the network until it is back. */
  interrupt(): void {
    this.#target = 0;
  }

  async close(): Promise<void> {
    for (const timer of this.#timers) clearTimeout(timer);
    for (const socket of [this.#front, ...this.#backs.values()]) socket.close();
  }

  #fromDevice(bytes: Buffer, from: RemoteInfo): void {
    this.#handle({ direction: 'up', device: from.port, bytes }, () => {
      const pass = (): void => this.#back(from.port).send(bytes, this.#target, '127.0.0.1', ignore);
      if (this.#target !== 0) pass();
      else if (this.#waiting.length < 1000) this.#waiting.push(pass);
    });
  }

  #back(device: number): Socket {
    let back = this.#backs.get(device);
    if (!back) {
      back = createSocket('udp4');
      back.on('error', ignore);
      back.on('message', (bytes) => {
        this.#handle({ direction: 'down', device, bytes }, () => {
          this.#front.send(bytes, device, '127.0.0.1', ignore);
        });
      });
      this.#backs.set(device, back);
    }
    return back;
  }

  #handle(datagram: Datagram, pass: () => void): void {
    if (this.watch?.(datagram) === false) {
      this.counts.lost++;
      return;
    }
    const { loss = 0, duplication = 0, reordering = 0, holdBack = 120 } = this.disturbance;
    if (loss > 0 && this.#random() < loss && this.#mayLose(datagram)) {
      this.counts.lost++;
      return;
    }
    const copies = duplication > 0 && this.#random() < duplication ? 2 : 1;
    if (copies === 2) this.counts.doubled++;
    for (let copy = 0; copy < copies; copy++) {
      this.counts.passed++;
      if (reordering > 0 && this.#random() < reordering) {
        this.counts.heldBack++;
        this.#later(holdBack * this.#random(), pass);
      } else pass();
    }
  }

  #mayLose(datagram: Datagram): boolean {
    const exchange = exchangeOf(datagram);
    const lost = this.#losses.get(exchange) ?? 0;
    if (lost >= (this.disturbance.lossesOfExchange ?? Infinity)) return false;
    this.#losses.set(exchange, lost + 1);
    return true;
  }

  #later(milliseconds: number, run: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      run();
    }, milliseconds);
    this.#timers.add(timer);
  }
}

/** An acknowledgement and a reset have the Message ID of what came the other way (RFC 7252, 4.2). */
function exchangeOf({ direction, device, bytes }: Datagram): string {
  const type = (bytes[0]! >> 4) & 3;
  const isReply = type === 2 || type === 3;
  const begunBy = isReply === (direction === 'up') ? 'gateway' : 'device';
  return `${device} ${begunBy} ${bytes.length < 4 ? '' : bytes.readUInt16BE(2)}`;
}

function ignore(): void {
  // A datagram that cannot be sent is a lost datagram.
}
