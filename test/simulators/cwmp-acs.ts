import { createHash, createHmac } from 'node:crypto';
import { createServer, get } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { startCwmpCpe } from '../../src/simulators/cwmp-cpe.ts';
import type { CpeOptions, SimulatedCpe } from '../../src/simulators/cwmp-cpe.ts';

/** One message of a CPE. `name` is its RPC, '' for an empty POST. */
export interface Arrival {
  name: string;
  body: string;
  bytes: Buffer;
  headers: IncomingMessage['headers'];
  httpVersion: string;
  connection: number;
  serial: string | undefined;
}

const md5 = (text: string): string => createHash('md5').update(text).digest('hex');

/** The text of the first element of that name. */
export const textIn = (body: string, name: string): string | undefined =>
  new RegExp(`<(?:\\w+:)?${name}(?:\\s[^>]*)?>([^<]*)<`).exec(body)?.[1];

/** The texts of all elements of that name. */
export const textsIn = (body: string, name: string): string[] =>
  [...body.matchAll(new RegExp(`<${name}(?:\\s[^>]*)?>([^<]*)</${name}>`, 'g'))].map((match) => match[1] ?? '');

/** Names and values of a ParameterList. */
export const valuesIn = (body: string): Record<string, string> =>
  Object.fromEntries(
    [
      ...body.matchAll(
        /<ParameterValueStruct>\s*<Name[^>]*>([^<]*)<\/Name>\s*(?:<Value[^>]*>([^<]*)<\/Value>)?\s*<\/ParameterValueStruct>/g,
      ),
    ].map((match) => [match[1] ?? '', match[2] ?? '(none)']),
  );

export const getValues = (...names: string[]): string =>
  `<cwmp:GetParameterValues><ParameterNames soap-enc:arrayType="xsd:string[${names.length}]">${names
    .map((name) => `<string>${name}</string>`)
    .join('')}</ParameterNames></cwmp:GetParameterValues>`;

/** Values as [type, text]. */
export const setValues = (values: Record<string, [string, string]>, key = ''): string =>
  `<cwmp:SetParameterValues><ParameterList soap-enc:arrayType="cwmp:ParameterValueStruct[${Object.keys(values).length}]">${Object.entries(
    values,
  )
    .map(
      ([name, [type, text]]) =>
        `<ParameterValueStruct><Name>${name}</Name><Value xsi:type="xsd:${type}">${text}</Value></ParameterValueStruct>`,
    )
    .join('')}</ParameterList><ParameterKey>${key}</ParameterKey></cwmp:SetParameterValues>`;

export const getNames = (path: string, nextLevel: boolean): string =>
  `<cwmp:GetParameterNames><ParameterPath>${path}</ParameterPath><NextLevel>${nextLevel}</NextLevel></cwmp:GetParameterNames>`;

export const setNotification = (name: string, notification: number): string =>
  `<cwmp:SetParameterAttributes><ParameterList soap-enc:arrayType="cwmp:SetParameterAttributesStruct[1]"><SetParameterAttributesStruct><Name>${name}</Name><NotificationChange>1</NotificationChange><Notification>${notification}</Notification><AccessListChange>0</AccessListChange><AccessList soap-enc:arrayType="xsd:string[0]"></AccessList></SetParameterAttributesStruct></ParameterList></cwmp:SetParameterAttributes>`;

export const download = (
  url: string,
  key: string,
  more: { type?: string; username?: string; password?: string; delay?: number } = {},
): string =>
  `<cwmp:Download><CommandKey>${key}</CommandKey><FileType>${more.type ?? '1 Firmware Upgrade Image'}</FileType><URL>${url}</URL><Username>${more.username ?? ''}</Username><Password>${more.password ?? ''}</Password><FileSize>0</FileSize><TargetFileName></TargetFileName><DelaySeconds>${more.delay ?? 0}</DelaySeconds><SuccessURL></SuccessURL><FailureURL></FailureURL></cwmp:Download>`;

/** A server of a hundred lines: answers every Inform and report, and asks what tests have queued. */
export class TestAcs {
  readonly arrivals: Arrival[] = [];
  /** Wants Basic or Digest with these. */
  authentication: { scheme: 'basic' | 'digest'; username: string; password: string } | undefined;
  /** Statuses for the next messages in place of an answer. */
  readonly statuses: number[] = [];
  /** Headers of the next answer with a status. */
  statusHeaders: Record<string, string> = {};
  /** Bodies for the next messages in place of the right ones. */
  readonly bodies: string[] = [];
  /** In front of each message. */
  preface = '';
  prefix = 'cwmp';
  chunked = false;
  /** HoldRequests of the next messages. */
  readonly holds: boolean[] = [];
  /** Fault codes for the next RPCs of that name. */
  readonly faults: Record<string, number[]> = {};
  readonly sockets = new Set<Socket>();
  readonly #devices: SimulatedCpe[] = [];
  readonly #queue: { rpc: string; serial: string | undefined; answered(body: string): void }[] = [];
  readonly #waiting = new Map<string, { serial: string | undefined; answered(body: string): void }>();
  readonly #serials = new Map<string, string>();
  readonly #connections = new WeakMap<object, number>();
  readonly #server: Server;
  #count = 0;
  #session = 0;
  #id = 0;

  private constructor() {
    this.#server = createServer((request, response) => void this.#serve(request, response));
    this.#server.on('connection', (socket) => {
      this.#connections.set(socket, (this.#count += 1));
      this.sockets.add(socket);
      socket.once('close', () => this.sockets.delete(socket));
    });
  }

  static async start(): Promise<TestAcs> {
    const acs = new TestAcs();
    await new Promise<void>((resolve) => acs.#server.listen(0, '127.0.0.1', resolve));
    return acs;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/acs`;
  }

  /** A CPE fifty times faster than life that informs this server. */
  async cpe(options: Partial<CpeOptions> = {}): Promise<SimulatedCpe> {
    const device = await startCwmpCpe({
      acs: this.url,
      serialNumber: 'S1',
      speed: 50,
      life: false,
      udp: false,
      ...options,
    });
    this.#devices.push(device);
    return device;
  }

  /** Queues an RPC and gives the body of its answer, '' for an empty POST. */
  queue(rpc: string, serial?: string): Promise<string> {
    return new Promise((answered) => this.#queue.push({ rpc, serial, answered }));
  }

  /** Opens a session of the CPE and asks these RPCs in it. */
  async ask(cpe: SimulatedCpe, ...rpcs: string[]): Promise<string[]> {
    const answers = rpcs.map((rpc) => this.queue(rpc));
    const session = await cpe.inform('6 CONNECTION REQUEST');
    if (!session.ok) throw new Error(session.why);
    return Promise.all(answers);
  }

  /** The messages of one name. */
  named(name: string): Arrival[] {
    return this.arrivals.filter((arrival) => arrival.name === name);
  }

  /** The Inform with that event, once it has come. */
  informWith(event: string, since = 0): Promise<Arrival> {
    return eventually(
      () => this.arrivals.slice(since).find((one) => one.name === 'Inform' && one.body.includes(`>${event}<`)),
      `no Inform with ${event}`,
    );
  }

  arrival(name: string, since = 0): Promise<Arrival> {
    return eventually(() => this.arrivals.slice(since).find((one) => one.name === name), `no ${name}`);
  }

  async stop(): Promise<void> {
    await Promise.all(this.#devices.map((device) => device.stop()));
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #authentic(request: IncomingMessage): boolean {
    if (!this.authentication) return true;
    const { scheme, username, password } = this.authentication;
    const given = request.headers.authorization ?? '';
    if (scheme === 'basic') return given === `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
    const part = (name: string): string => new RegExp(`\\b${name}="?([^",]*)`).exec(given)?.[1] ?? '';
    const second = md5(`POST:${part('uri')}`);
    const first = md5(`${username}:acs:${password}`);
    return (
      part('response').toLowerCase() === md5(`${first}:${part('nonce')}:${part('nc')}:${part('cnonce')}:auth:${second}`)
    );
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const parts: Buffer[] = [];
    try {
      for await (const part of request) parts.push(part);
    } catch {
      return;
    }
    const sent = Buffer.concat(parts);
    const bytes = request.headers['content-encoding'] === 'gzip' ? gunzipSync(sent) : sent;
    const body = bytes.toString();
    const name = /<(?:[\w-]+:)?Body[^>]*>\s*<(?:[\w-]+:)?(\w+)/.exec(body)?.[1] ?? '';
    if (!this.#authentic(request)) {
      const challenge =
        this.authentication?.scheme === 'basic'
          ? 'Basic realm="acs"'
          : 'Digest realm="acs", nonce="n1", qop="auth", algorithm=MD5';
      response.writeHead(401, { 'WWW-Authenticate': challenge, 'Content-Length': 0 }).end();
      this.arrivals.push({
        name: `401 ${name}`,
        body,
        bytes,
        headers: request.headers,
        httpVersion: request.httpVersion,
        connection: 0,
        serial: undefined,
      });
      return;
    }
    const cookie = /session=(\w+)/.exec(request.headers.cookie ?? '')?.[1] ?? '';
    const serial = name === 'Inform' ? textIn(body, 'SerialNumber')?.trim() : this.#serials.get(cookie);
    const connection = this.#connections.get(request.socket) ?? 0;
    this.arrivals.push({
      name,
      body,
      bytes,
      headers: request.headers,
      httpVersion: request.httpVersion,
      connection,
      serial,
    });
    const status = this.statuses.shift();
    if (status !== undefined) {
      response.writeHead(status, { 'Content-Length': 0, ...this.statusHeaders }).end();
      return;
    }
    if (name === 'Inform') {
      const session = `x${(this.#session += 1)}`;
      if (serial !== undefined) this.#serials.set(session, serial);
      response.setHeader('Set-Cookie', `session=${session}; Path=/`);
    }
    const answer = this.bodies.shift() ?? this.#answer(name, body, serial);
    response.statusCode = answer === '' ? 204 : 200;
    response.setHeader('Content-Type', 'text/xml');
    if (this.chunked && answer !== '') response.write(answer.slice(0, 10));
    else if (answer !== '') response.setHeader('Content-Length', Buffer.byteLength(answer));
    response.end(this.chunked ? answer.slice(10) : answer);
  }

  #answer(name: string, body: string, serial: string | undefined): string {
    const id = textIn(body, 'ID');
    const namespace = /urn:dslforum-org:cwmp-1-\d/.exec(body)?.[0] ?? 'urn:dslforum-org:cwmp-1-2';
    const asked = name !== 'Fault' && name !== '' && !name.endsWith('Response');
    if (asked) {
      const fault = this.faults[name]?.shift();
      if (fault !== undefined)
        return this.#envelope(
          id ?? '',
          namespace,
          `<soap-env:Fault><faultcode>Server</faultcode><faultstring>CWMP fault</faultstring><detail><cwmp:Fault><FaultCode>${fault}</FaultCode><FaultString></FaultString></cwmp:Fault></detail></soap-env:Fault>`,
        );
      const content = name === 'Inform' ? '<MaxEnvelopes>1</MaxEnvelopes>' : '';
      return this.#envelope(id ?? '', namespace, `<cwmp:${name}Response>${content}</cwmp:${name}Response>`);
    }
    if (name !== '') this.#waiting.get(id ?? '')?.answered(body);
    else {
      // An empty POST is an answer to what was asked last.
      for (const [own, waiting] of this.#waiting) {
        if (waiting.serial !== serial) continue;
        this.#waiting.delete(own);
        waiting.answered('');
      }
    }
    this.#waiting.delete(id ?? '');
    const at = this.#queue.findIndex((one) => one.serial === undefined || one.serial === serial);
    const [next] = at < 0 ? [] : this.#queue.splice(at, 1);
    if (!next) return '';
    const own = `acs-${(this.#id += 1)}`;
    this.#waiting.set(own, { serial, answered: next.answered });
    return this.#envelope(own, this.#namespace(), next.rpc);
  }

  #namespace(): string {
    const inform = this.arrivals.findLast((one) => one.name === 'Inform');
    return /urn:dslforum-org:cwmp-1-\d/.exec(inform?.body ?? '')?.[0] ?? 'urn:dslforum-org:cwmp-1-2';
  }

  #envelope(id: string, namespace: string, body: string): string {
    const hold = this.holds.shift();
    const header =
      hold === undefined ? '' : `<cwmp:HoldRequests soap-env:mustUnderstand="1">${hold ? 1 : 0}</cwmp:HoldRequests>`;
    const text = `<soap-env:Envelope xmlns:soap-env="http://schemas.xmlsoap.org/soap/envelope/" xmlns:soap-enc="http://schemas.xmlsoap.org/soap/encoding/" xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:cwmp="${namespace}"><soap-env:Header><cwmp:ID soap-env:mustUnderstand="1">${id}</cwmp:ID>${header}</soap-env:Header><soap-env:Body>${body}</soap-env:Body></soap-env:Envelope>`;
    return `${this.preface}${this.prefix === 'cwmp' ? text : text.replaceAll('cwmp:', `${this.prefix}:`).replace('xmlns:cwmp', `xmlns:${this.prefix}`)}`;
  }
}

/** Polls until `look` finds something; fails with the sentence after 5 s. */
export async function eventually<Found>(look: () => Found | undefined, sentence: string): Promise<Found> {
  const deadline = performance.now() + 5000;
  for (;;) {
    const found = look();
    if (found !== undefined) return found;
    if (performance.now() > deadline) throw new Error(sentence);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** A connection request as a server makes it: status, and its body. Answers a Digest challenge when there are credentials. */
export async function knock(
  url: string,
  credentials?: { username: string; password: string },
): Promise<{ status: number; body: string; challenge: string }> {
  const once = (authorization?: string): Promise<{ status: number; body: string; challenge: string }> =>
    new Promise((resolve, reject) => {
      const request = get(
        url,
        { agent: false, headers: authorization === undefined ? {} : { authorization } },
        (response) => {
          const challenge = response.headers['www-authenticate'] ?? '';
          let body = '';
          response.on('data', (part: Buffer) => (body += part.toString()));
          response.on('error', () => resolve({ status: response.statusCode ?? 0, body, challenge }));
          response.on('end', () => resolve({ status: response.statusCode ?? 0, body, challenge }));
        },
      );
      request.on('error', reject);
      request.setTimeout(500, () => request.destroy(new Error('silent')));
    });
  const first = await once();
  if (first.status !== 401 || !credentials) return first;
  const part = (name: string): string => new RegExp(`${name}="?([^",]*)`).exec(first.challenge)?.[1] ?? '';
  const path = new URL(url).pathname;
  const [nonce, cnonce] = [part('nonce'), 'c1'];
  let a1 = md5(`${credentials.username}:${part('realm')}:${credentials.password}`);
  if (part('algorithm') === 'MD5-sess') a1 = md5(`${a1}:${nonce}:${cnonce}`);
  const qop = part('qop') === '' ? undefined : part('qop').split(',')[0];
  const a2 = md5(`GET:${path}${qop === 'auth-int' ? `:${md5('')}` : ''}`);
  const response = md5(qop === undefined ? `${a1}:${nonce}:${a2}` : `${a1}:${nonce}:00000001:${cnonce}:${qop}:${a2}`);
  const more = qop === undefined ? '' : `, qop=${qop}, nc=00000001, cnonce="${cnonce}"`;
  return once(
    `Digest username="${credentials.username}", realm="${part('realm')}", nonce="${nonce}", uri="${path}", response="${response}"${more}`,
  );
}

/** A UDP connection request (TR-069 annex G). */
export function datagram(address: string, credentials: { username: string; password: string }, id: number): Buffer {
  const { username: un, password } = credentials;
  const [ts, cn] = ['1700000000', 'abc'];
  const sig = createHmac('sha1', password).update(`${ts}${id}${un}${cn}`).digest('hex');
  return Buffer.from(`GET http://${address}?ts=${ts}&id=${id}&un=${un}&cn=${cn}&sig=${sig} HTTP/1.1\r\n\r\n`);
}
