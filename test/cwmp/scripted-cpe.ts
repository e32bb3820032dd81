/** A CPE as raw octets on a socket: what it sends is written out in the test. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';

export interface CpeReply {
  status: number;
  headers: Map<string, string[]>;
  body: string;
}

export interface CpeConnection {
  readonly socket: Socket;
  /** One POST, as plain as CPEs make it. `headers`: whole lines. */
  post(body: string | Buffer, headers?: string[]): Promise<CpeReply>;
  /** Writes octets as they are. */
  write(octets: string | Buffer): void;
  read(): Promise<CpeReply>;
  close(): void;
}

/** @param tls over TLS, with what it shows and trusts */
export async function connectCpe(port: number, tls?: ConnectionOptions): Promise<CpeConnection> {
  const socket = tls ? connectTls({ ...tls, port, host: '127.0.0.1' }) : connect(port, '127.0.0.1');
  await once(socket, tls ? 'secureConnect' : 'connect');
  let buffered = Buffer.alloc(0);
  let wake = (): void => {};
  let ended = false;
  socket.on('data', (chunk) => {
    buffered = Buffer.concat([buffered, chunk]);
    wake();
  });
  const end = (): void => {
    ended = true;
    wake();
  };
  socket.on('close', end).on('error', end);

  async function read(): Promise<CpeReply> {
    for (;;) {
      const found = take();
      if (found) return found;
      if (ended) throw new Error('the connection was closed without an answer');
      await new Promise<void>((resolve) => (wake = resolve));
    }
  }

  function take(): CpeReply | undefined {
    const at = buffered.indexOf('\r\n\r\n');
    if (at < 0) return undefined;
    const [first = '', ...lines] = buffered.subarray(0, at).toString('latin1').split('\r\n');
    const headers = new Map<string, string[]>();
    for (const line of lines) {
      const name = line.slice(0, line.indexOf(':')).toLowerCase();
      headers.set(name, [...(headers.get(name) ?? []), line.slice(line.indexOf(':') + 1).trim()]);
    }
    const length = Number(headers.get('content-length')?.[0] ?? 0);
    if (buffered.length < at + 4 + length) return undefined;
    const body = buffered.subarray(at + 4, at + 4 + length).toString('utf8');
    buffered = buffered.subarray(at + 4 + length);
    return { status: Number(first.split(' ')[1]), headers, body };
  }

  return {
    socket,
    read,
    write: (octets) => void socket.write(octets),
    close: () => void socket.destroy(),
    post(body, headers = []) {
      const octets = Buffer.from(body);
      const head = ['POST / HTTP/1.1', 'Host: acs', ...headers, `Content-Length: ${octets.length}`, '', ''].join(
        '\r\n',
      );
      socket.write(Buffer.concat([Buffer.from(head), octets]));
      return read();
    },
  };
}

/** `Cookie:` line for what a reply has set. */
export function cookieFrom({ headers }: CpeReply): string {
  return `Cookie: ${(headers.get('set-cookie')?.[0] ?? '').split(';')[0]}`;
}

export interface InformOptions {
  serial?: string;
  id?: string;
  events?: string[];
  commandKey?: string;
  parameters?: Record<string, string>;
  retryCount?: number;
  header?: string;
}

export function cwmp(body: string, id = '1', header = ''): string {
  return `<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:cwmp="urn:dslforum-org:cwmp-1-2"><soapenv:Header><cwmp:ID soapenv:mustUnderstand="1">${id}</cwmp:ID>${header}</soapenv:Header><soapenv:Body>${body}</soapenv:Body></soapenv:Envelope>`;
}

export function informText(options: InformOptions = {}): string {
  const { serial = 'S1', events = ['2 PERIODIC'], parameters = {}, commandKey = '' } = options;
  const list = events
    .map(
      (code) =>
        `<EventStruct><EventCode>${code}</EventCode><CommandKey>${code.startsWith('M ') ? commandKey : ''}</CommandKey></EventStruct>`,
    )
    .join('');
  return cwmp(
    `<cwmp:Inform><DeviceId><Manufacturer>ACME</Manufacturer><OUI>00D09E</OUI><ProductClass>IGD</ProductClass><SerialNumber>${serial}</SerialNumber></DeviceId>` +
      `<Event>${list}</Event><MaxEnvelopes>1</MaxEnvelopes><CurrentTime>1970-01-01T00:00:09Z</CurrentTime><RetryCount>${options.retryCount ?? 0}</RetryCount>` +
      `<ParameterList>${valueStructs(parameters)}</ParameterList></cwmp:Inform>`,
    options.id,
    options.header,
  );
}

/** `xsd:` types by the look of the value. */
export function valueStructs(parameters: Record<string, string>): string {
  return Object.entries(parameters)
    .map(([name, value]) => {
      const type = /^\d+$/.test(value) ? 'unsignedInt' : /^(true|false)$/.test(value) ? 'boolean' : 'string';
      return `<ParameterValueStruct><Name>${name}</Name><Value xsi:type="xsd:${type}">${value}</Value></ParameterValueStruct>`;
    })
    .join('');
}

/** ID of an envelope. */
export function idOf(text: string): string {
  return /<cwmp:ID[^>]*>([^<]*)</.exec(text)?.[1] ?? '';
}
