/** The DM server with a device's half of the test's own: what it is told is kept, what it asks is given. */
import type { Authenticator } from '../../adapters/omadm/authenticator.ts';
import { everybody } from '../../adapters/omadm/authenticator.ts';
import type { Answer, Arrival, AskOptions, Exchange, Request } from '../../adapters/omadm/exchange.ts';
import {
  defaultServerSettings,
  openOmadmServer,
  type OmadmServer,
  type OmadmServerSettings,
} from '../../adapters/omadm/server.ts';
import type { Alert, Item } from '../../adapters/omadm/syncml/message.ts';
import { systemClock, type Clock } from '../../src/support/clock.ts';
import type { Log } from '../../src/support/log.ts';
import { silentLog } from '../../src/support/log.ts';
import { connectClient, type ClientConnection } from './scripted-client.ts';

export interface SmallServerOptions extends Partial<OmadmServerSettings> {
  /** What each session asks, one `ask` after the other. */
  asks?: readonly (readonly Request[])[];
  /** In place of `asks`. */
  think?: (exchange: Exchange) => Promise<void>;
  askOptions?: AskOptions;
  arrived?: (arrival: Arrival) => Promise<{ status: number; why: string } | undefined>;
  alerted?: (alert: Alert, items: readonly Item[]) => Promise<number>;
  authenticator?: Authenticator;
  clock?: Clock;
  log?: Log;
}

export class SmallServer {
  readonly arrivals: Arrival[] = [];
  readonly alerts: { alert: Alert; items: readonly Item[] }[] = [];
  readonly answers: Answer[][] = [];
  readonly ended: string[] = [];
  readonly refused: string[] = [];
  server!: OmadmServer;
  readonly #connections: ClientConnection[] = [];

  static async start(options: SmallServerOptions = {}): Promise<SmallServer> {
    const small = new SmallServer();
    const {
      asks = [],
      askOptions,
      think,
      arrived,
      alerted,
      authenticator = everybody,
      clock,
      log,
      ...settings
    } = options;
    small.server = await openOmadmServer(
      {
        authenticator,
        begin() {
          let exchange: Exchange | undefined;
          return {
            async arrived(arrival, opened) {
              exchange = opened;
              small.arrivals.push(arrival);
              return arrived?.(arrival);
            },
            async alerted(alert, items) {
              small.alerts.push({ alert, items });
              return alerted ? alerted(alert, items) : 200;
            },
            async think() {
              if (think) return think(exchange!);
              for (const requests of asks) small.answers.push(await exchange!.ask(requests, askOptions));
            },
            ended: (why) => void small.ended.push(why),
          };
        },
        exchanged: () => {},
        refused: (reason) => void small.refused.push(reason),
      },
      { ...defaultServerSettings, port: 0, ...settings },
      { clock: clock ?? systemClock, log: log ?? silentLog },
    );
    return small;
  }

  async connect(): Promise<ClientConnection> {
    const connection = await connectClient(this.server.listeners[0]!.port);
    this.#connections.push(connection);
    return connection;
  }

  async close(): Promise<void> {
    for (const connection of this.#connections.splice(0)) connection.close();
    await this.server.close(new Date());
  }
}
