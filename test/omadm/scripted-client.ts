/** A DM client as raw octets on a socket: what it sends is written out in the test, and nothing of our codec is used. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';

export interface Answered {
  status: number;
  headers: Map<string, string>;
  octets: Buffer;
  body: string;
}

export interface ClientConnection {
  readonly socket: Socket;
  post(body: string | Buffer, options?: PostOptions): Promise<Answered>;
  write(octets: string | Buffer): void;
  read(): Promise<Answered>;
  close(): void;
}

export interface PostOptions {
  /** Path and query, or a whole RespURI. */
  to?: string;
  /** Whole lines. */
  headers?: string[];
  contentType?: string;
  method?: string;
}

export const xmlType = 'application/vnd.syncml.dm+xml';

/** @param tls over TLS, with what it shows and trusts */
export async function connectClient(port: number, tls?: ConnectionOptions): Promise<ClientConnection> {
  const socket = tls ? connectTls({ ...tls, port, host: '127.0.0.1' }) : connect(port, '127.0.0.1');
  await once(socket, tls ? 'secureConnect' : 'connect');
  let buffered = Buffer.alloc(0);
  let ended = false;
  let wake = (): void => {};
  socket.on('data', (chunk: Buffer) => {
    buffered = Buffer.concat([buffered, chunk]);
    wake();
  });
  const end = (): void => {
    ended = true;
    wake();
  };
  socket.on('close', end).on('error', end);

  async function read(): Promise<Answered> {
    for (;;) {
      const found = take();
      if (found) return found;
      if (ended) throw new Error('the connection was closed without an answer');
      await new Promise<void>((resolve) => (wake = resolve));
    }
  }

  function take(): Answered | undefined {
    const at = buffered.indexOf('\r\n\r\n');
    if (at < 0) return undefined;
    const [first = '', ...lines] = buffered.subarray(0, at).toString('latin1').split('\r\n');
    const headers = new Map(
      lines.map((line) => {
        const colon = line.indexOf(':');
        return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const;
      }),
    );
    const length = Number(headers.get('content-length') ?? 0);
    if (buffered.length < at + 4 + length) return undefined;
    const octets = Buffer.from(buffered.subarray(at + 4, at + 4 + length));
    buffered = buffered.subarray(at + 4 + length);
    return { status: Number(first.split(' ')[1]), headers, octets, body: octets.toString('utf8') };
  }

  return {
    socket,
    read,
    write: (octets) => void socket.write(octets),
    close: () => void socket.destroy(),
    post(body, { to = '/omadm', headers = [], contentType = xmlType, method = 'POST' } = {}) {
      const octets = Buffer.from(body);
      const target = to.replace(/^https?:\/\/[^/]+/, '');
      const lines = [`${method} ${target} HTTP/1.1`, 'Host: gw.example', `Content-Type: ${contentType}`, ...headers];
      const head = [...lines, `Content-Length: ${octets.length}`, '', ''].join('\r\n');
      socket.write(Buffer.concat([Buffer.from(head), octets]));
      return read();
    },
  };
}

export interface MessageOptions {
  device?: string;
  session?: string;
  message?: number | string;
  /** Meta of the header. */
  meta?: string;
  /** Cred, or anything else that stands in the header. */
  header?: string;
  target?: string;
  protocol?: string;
  final?: boolean;
}

/** A message around commands. */
export function syncml(commands: string, options: MessageOptions = {}): string {
  const { device = 'urn:dev:1', session = '1', message = 1, meta = '', header = '', final = true } = options;
  const { target = 'http://gw.example/omadm', protocol = 'DM/1.2' } = options;
  return (
    `<SyncML xmlns="SYNCML:SYNCML1.2"><SyncHdr><VerDTD>1.2</VerDTD><VerProto>${protocol}</VerProto>` +
    `<SessionID>${session}</SessionID><MsgID>${message}</MsgID><Target><LocURI>${target}</LocURI></Target>` +
    `<Source><LocURI>${device}</LocURI></Source>${header}${meta && `<Meta>${meta}</Meta>`}</SyncHdr>` +
    `<SyncBody>${commands}${final ? '<Final/>' : ''}</SyncBody></SyncML>`
  );
}

export function maxMsgSize(octets: number): string {
  return `<MaxMsgSize xmlns="syncml:metinf">${octets}</MaxMsgSize>`;
}

export function alert(id: number, code: number, more = ''): string {
  return `<Alert><CmdID>${id}</CmdID><Data>${code}</Data>${more}</Alert>`;
}

const leaf = (name: string, value: string): string =>
  `<Item><Source><LocURI>./DevInfo/${name}</LocURI></Source><Meta><Format xmlns="syncml:metinf">chr</Format></Meta><Data>${value}</Data></Item>`;

export function deviceInfo(id: number, device = 'urn:dev:1'): string {
  const leaves = [
    leaf('DevId', device),
    leaf('Man', 'Acme'),
    leaf('Mod', 'GW-1'),
    leaf('DmV', '1.2'),
    leaf('Lang', 'en'),
  ];
  return `<Replace><CmdID>${id}</CmdID>${leaves.join('')}</Replace>`;
}

/** Package #1 in one message. */
export function packageOne(options: MessageOptions = {}, more = ''): string {
  return syncml(alert(1, 1201) + more + deviceInfo(90, options.device), options);
}

export function status(
  id: number,
  message: number | string,
  command: number | string,
  name: string,
  code: number,
  more = '',
): string {
  return (
    `<Status><CmdID>${id}</CmdID><MsgRef>${message}</MsgRef><CmdRef>${command}</CmdRef><Cmd>${name}</Cmd>` +
    `<Data>${code}</Data>${more}</Status>`
  );
}

export function headerStatus(message: number | string, code = 200, more = ''): string {
  return (
    `<Status><CmdID>1</CmdID><MsgRef>${message}</MsgRef><CmdRef>0</CmdRef><Cmd>SyncHdr</Cmd>${more}` +
    `<Data>${code}</Data></Status>`
  );
}

export interface ItemOptions {
  path: string;
  data?: string;
  format?: string;
  type?: string;
  size?: number;
  moreData?: boolean;
}

export function item({ path, data, format = 'chr', type, size, moreData }: ItemOptions): string {
  const meta =
    `<Format xmlns="syncml:metinf">${format}</Format>` +
    (type === undefined ? '' : `<Type xmlns="syncml:metinf">${type}</Type>`) +
    (size === undefined ? '' : `<Size xmlns="syncml:metinf">${size}</Size>`);
  return (
    `<Item><Source><LocURI>${path}</LocURI></Source><Meta>${meta}</Meta>` +
    `${data === undefined ? '' : `<Data>${data}</Data>`}${moreData ? '<MoreData/>' : ''}</Item>`
  );
}

export function results(id: number, message: number | string, command: number | string, items: string): string {
  return `<Results><CmdID>${id}</CmdID><MsgRef>${message}</MsgRef><CmdRef>${command}</CmdRef>${items}</Results>`;
}

export interface Said {
  name: string;
  id: string;
  text: string;
}

/** The commands of a message of the server, in their order; those within Atomic and Sequence are part of its text. */
export function commandsOf(body: string): Said[] {
  const inner = /<SyncBody>(.*)<\/SyncBody>/s.exec(body)?.[1] ?? '';
  const found: Said[] = [];
  const pattern = /<(Status|Get|Add|Replace|Delete|Copy|Exec|Alert|Atomic|Sequence)>(.*?)<\/\1>/gs;
  for (const [, name = '', text = ''] of inner.matchAll(pattern)) {
    found.push({ name, id: textOf(text, 'CmdID'), text });
  }
  return found;
}

/** Content of the first element with this name. */
export function textOf(body: string, name: string): string {
  return new RegExp(`<${name}(?: [^>]*)?>(.*?)</${name}>`, 's').exec(body)?.[1] ?? '';
}

/** `Alert 1 200`: what is answered, the number of the command, the code. */
export function statusesOf(body: string): string[] {
  return commandsOf(body)
    .filter(({ name }) => name === 'Status')
    .map(({ text }) => `${textOf(text, 'Cmd')} ${textOf(text, 'CmdRef')} ${textOf(text, 'Data')}`);
}

export function isFinal(body: string): boolean {
  return /<Final\s*\/>|<Final><\/Final>/.test(body);
}

/** Where the session goes on. */
export function responseUri(body: string): string {
  return textOf(body, 'RespURI');
}
