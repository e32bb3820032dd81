import { createServer } from 'node:http';
import type { IncomingHttpHeaders, IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { startOmadmClient } from '../../src/simulators/omadm-client.ts';
import type { OmadmClientOptions, SimulatedClient } from '../../src/simulators/omadm-client.ts';

/** One message of a client. */
export interface Arrival {
  body: string;
  bytes: Buffer;
  headers: IncomingHttpHeaders;
  /** Path and query. */
  url: string;
}

/** What the server says next: commands with `$ID` as their CmdIDs, and how the message is to be. */
export interface Reply {
  commands?: string[];
  /** Status of the header; default 200. */
  header?: string;
  challenge?: string;
  /** Status of everything else; default 200. */
  status?: string;
  final?: boolean;
  credential?: string;
  /** In place of the whole body. */
  body?: string | Buffer;
  http?: number;
  /** Changes the finished text. */
  bend?: (text: string) => string;
  headers?: Record<string, string>;
}

export const textIn = (body: string, name: string): string | undefined =>
  new RegExp(`<${name}(?:\\s[^>]*)?>([^<]*)<`).exec(body)?.[1];

export const textsIn = (body: string, name: string): string[] =>
  [...body.matchAll(new RegExp(`<${name}(?:\\s[^>]*)?>([^<]*)</${name}>`, 'g'))].map((match) => match[1] ?? '');

/** Elements of that name with all that is inside, outermost first come first. */
export const elementsIn = (body: string, name: string): string[] =>
  [...body.matchAll(new RegExp(`<${name}>.*?</${name}>`, 'gs'))].map((match) => match[0]);

/** Status codes by the CmdRef that they are for. */
export const statusesIn = (body: string): Record<string, string> =>
  Object.fromEntries(
    elementsIn(body, 'Status').map((status) => [textIn(status, 'CmdRef') ?? '', textIn(status, 'Data') ?? '']),
  );

/** Values by their URI, of all Results. */
export const resultsIn = (body: string): Record<string, string> =>
  Object.fromEntries(
    elementsIn(body, 'Results')
      .flatMap((results) => elementsIn(results, 'Item'))
      .map((item) => [textIn(item, 'LocURI') ?? '', textIn(item, 'Data') ?? '(none)']),
  );

const item = (path: string, rest = ''): string => `<Item><Target><LocURI>${path}</LocURI></Target>${rest}</Item>`;
const format = (name: string, more = ''): string =>
  `<Meta><Format xmlns="syncml:metinf">${name}</Format>${more}</Meta>`;

export const get = (...paths: string[]): string =>
  `<Get><CmdID>$ID</CmdID>${paths.map((path) => item(path)).join('')}</Get>`;
export const put = (command: 'Add' | 'Replace', path: string, value: string, kind = 'chr'): string =>
  `<${command}><CmdID>$ID</CmdID>${item(path, `${format(kind)}<Data>${value}</Data>`)}</${command}>`;
export const remove = (path: string): string => `<Delete><CmdID>$ID</CmdID>${item(path)}</Delete>`;
export const copy = (from: string, to: string): string =>
  `<Copy><CmdID>$ID</CmdID><Item><Target><LocURI>${to}</LocURI></Target><Source><LocURI>${from}</LocURI></Source></Item></Copy>`;
export const exec = (path: string, correlator = '', data = ''): string =>
  `<Exec><CmdID>$ID</CmdID>${correlator === '' ? '' : `<Correlator>${correlator}</Correlator>`}${item(path, data === '' ? '' : `<Data>${data}</Data>`)}</Exec>`;
export const group = (name: 'Atomic' | 'Sequence', ...commands: string[]): string =>
  `<${name}><CmdID>$ID</CmdID>${commands.join('')}</${name}>`;
export const ask = (code: number, ...items: string[]): string =>
  `<Alert><CmdID>$ID</CmdID><Data>${code}</Data>${items.map((one) => `<Item><Data>${one}</Data></Item>`).join('')}</Alert>`;
export const alert = (code: number): string => `<Alert><CmdID>$ID</CmdID><Data>${code}</Data></Alert>`;
export const chunk = (
  command: 'Add' | 'Replace',
  path: string,
  data: string,
  more: { size?: number; last?: boolean },
): string =>
  `<${command}><CmdID>$ID</CmdID>${item(
    path,
    `${format('chr', more.size === undefined ? '' : `<Size xmlns="syncml:metinf">${more.size}</Size>`)}<Data>${data}</Data>${more.last ? '' : '<MoreData/>'}`,
  )}</${command}>`;

export const challenge = (scheme: string, nonce?: string): string =>
  `<Chal><Meta><Format xmlns="syncml:metinf">b64</Format><Type xmlns="syncml:metinf">syncml:auth-${scheme}</Type>${
    nonce === undefined ? '' : `<NextNonce xmlns="syncml:metinf">${nonce}</NextNonce>`
  }</Meta></Chal>`;

export const credential = (scheme: string, data: string): string =>
  `<Cred><Meta><Format xmlns="syncml:metinf">b64</Format><Type xmlns="syncml:metinf">syncml:auth-${scheme}</Type></Meta><Data>${data}</Data></Cred>`;

/** A server of a hundred lines on strings: answers every package with a Status for each command, and says what tests have queued. */
export class TestServer {
  readonly arrivals: Arrival[] = [];
  readonly #replies: Reply[] = [];
  readonly #clients: SimulatedClient[] = [];
  readonly #counts = new Map<string, number>();
  readonly #server: Server;
  maximumMessageSize: number | undefined;
  /** RespURI of the messages; undefined: none. */
  responseUri: string | undefined;

  private constructor() {
    this.#server = createServer((request, response) => void this.#serve(request, response));
  }

  static async start(): Promise<TestServer> {
    const server = new TestServer();
    await new Promise<void>((resolve) => server.#server.listen(0, '127.0.0.1', resolve));
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/dm`;
  }

  /** What the next messages are answered with, in their order; after that an empty package. */
  say(...replies: (Reply | string[])[]): void {
    this.#replies.push(...replies.map((one) => (Array.isArray(one) ? { commands: one } : one)));
  }

  /** A client fifty times faster than life. */
  async client(options: Partial<OmadmClientOptions> = {}): Promise<SimulatedClient> {
    const client = await startOmadmClient({
      server: this.url,
      deviceId: 'urn:imei:1',
      speed: 50,
      timeout: 5,
      ...options,
    });
    this.#clients.push(client);
    return client;
  }

  /** A client whose only session has had these commands, and its answers. */
  async after(
    commands: string[],
    options: Partial<OmadmClientOptions> = {},
  ): Promise<{ client: SimulatedClient; answer: string }> {
    this.say(commands);
    const client = await this.client(options);
    return { client, answer: this.arrivals[1]?.body ?? '' };
  }

  last(): Arrival {
    const found = this.arrivals.at(-1);
    if (!found) throw new Error('nothing has come');
    return found;
  }

  async stop(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.stop()));
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const parts: Buffer[] = [];
    try {
      for await (const piece of request) parts.push(piece as Buffer);
    } catch {
      return;
    }
    const bytes = Buffer.concat(parts);
    const body = bytes.toString();
    this.arrivals.push({ body, bytes, headers: request.headers, url: request.url ?? '' });
    const reply = this.#replies.shift() ?? {};
    response.statusCode = reply.http ?? 200;
    response.setHeader('Content-Type', request.headers['content-type'] ?? '');
    for (const [name, value] of Object.entries(reply.headers ?? {})) response.setHeader(name, value);
    response.end(reply.body ?? this.#message(body, reply));
  }

  #message(body: string, reply: Reply): string {
    const source = textIn(/<Source>.*?<\/Source>/s.exec(body)?.[0] ?? '', 'LocURI') ?? '';
    const sessionId = textIn(body, 'SessionID') ?? '';
    const messageRef = textIn(body, 'MsgID') ?? '';
    if (messageRef === '1') this.#counts.set(source, 0);
    const count = (this.#counts.get(source) ?? 0) + 1;
    this.#counts.set(source, count);
    let id = 0;
    const status = (ref: string, command: string, code: string, chal = ''): string =>
      `<Status><CmdID>${(id += 1)}</CmdID><MsgRef>${messageRef}</MsgRef><CmdRef>${ref}</CmdRef><Cmd>${command}</Cmd>${chal}<Data>${code}</Data></Status>`;
    const statuses = [status('0', 'SyncHdr', reply.header ?? '200', reply.challenge)];
    const [, commands = ''] = /<SyncBody>(.*)<\/SyncBody>/s.exec(body) ?? [];
    const more = commands.includes('<MoreData');
    for (const [, name = '', ref = ''] of commands.matchAll(/<(Alert|Replace|Results)><CmdID>(\d+)<\/CmdID>/g))
      if (name !== 'Results' || more)
        statuses.push(status(ref, name, name === 'Results' ? '213' : (reply.status ?? '200')));
    const final = body.includes('<Final');
    const asked = reply.commands ?? (final ? [] : [alert(1222)]);
    const said = asked.map((command) => command.replaceAll('$ID', () => String((id += 1))));
    const sizes =
      this.maximumMessageSize === undefined
        ? ''
        : `<Meta><MaxMsgSize xmlns="syncml:metinf">${this.maximumMessageSize}</MaxMsgSize></Meta>`;
    const address = this.responseUri === undefined ? '' : `<RespURI>${this.responseUri}</RespURI>`;
    const text = `<SyncML xmlns="SYNCML:SYNCML1.2"><SyncHdr><VerDTD>1.2</VerDTD><VerProto>DM/1.2</VerProto><SessionID>${sessionId}</SessionID><MsgID>${count}</MsgID><Target><LocURI>${source}</LocURI></Target><Source><LocURI>${this.url}</LocURI>${reply.credential ? '<LocName>trivet</LocName>' : ''}</Source>${address}${reply.credential ?? ''}${sizes}</SyncHdr><SyncBody>${statuses.join('')}${said.join('')}${(reply.final ?? final) ? '<Final/>' : ''}</SyncBody></SyncML>`;
    return reply.bend ? reply.bend(text) : text;
  }
}

/** Waits until the condition holds, at most four seconds. */
export async function eventually(condition: () => boolean, what: string): Promise<void> {
  for (let count = 0; count < 400; count += 1) {
    if (condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`still not: ${what}`);
}
