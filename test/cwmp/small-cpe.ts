/** A CPE small enough to be seen through: a tree of parameters, methods as text, and whatever the test puts in their place. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { connectCpe, cookieFrom, cwmp, idOf, informText, type CpeReply, type InformOptions } from './scripted-cpe.ts';

export type Handler = (body: string) => string;

export interface SmallCpe {
  serial: string;
  /** Parameter → value; objects follow from the names. */
  tree: Map<string, string>;
  /** Methods in order, as the ACS asked them. */
  asked: { method: string; body: string }[];
  /** In place of the own answer to a method; '' = an empty POST. */
  handlers: Map<string, Handler>;
  /** Names whose notification was set, with the value. */
  notified: Map<string, string>;
  rebooted: number;
  /** One session: Inform, own requests, empty POST, answers until 204. Resolves with the last status. */
  session(options?: InformOptions & { requests?: string[]; dieAfter?: number; headers?: string[] }): Promise<number>;
  /** Answers to the own requests of the last session. */
  replies: CpeReply[];
}

export function createSmallCpe(port: () => number, serial = 'S1'): SmallCpe {
  const tree = new Map([
    ['Device.DeviceInfo.Manufacturer', 'ACME'],
    ['Device.DeviceInfo.ModelName', 'R7'],
    ['Device.DeviceInfo.SerialNumber', serial],
    ['Device.DeviceInfo.SoftwareVersion', '1.0'],
    ['Device.DeviceInfo.MemoryStatus.Total', '1000'],
    ['Device.DeviceInfo.MemoryStatus.Free', '500'],
    ['Device.ManagementServer.ParameterKey', ''],
    ['Device.ManagementServer.PeriodicInformEnable', 'false'],
    ['Device.ManagementServer.PeriodicInformInterval', '86400'],
    ['Device.ManagementServer.PeriodicInformTime', 'x'],
    ['Device.ManagementServer.ConnectionRequestUsername', 'x'],
    ['Device.ManagementServer.ConnectionRequestPassword', 'x'],
    ['Device.Policies.Policy.', ''],
  ]);
  let instances = 2;

  const cpe: SmallCpe = {
    serial,
    tree,
    asked: [],
    handlers: new Map(),
    notified: new Map(),
    rebooted: 0,
    replies: [],
    async session({ requests = [], dieAfter = Infinity, headers = [], ...options } = {}) {
      cpe.replies = [];
      const connection = await connectCpe(port());
      let sent = 0;
      const post = async (body: string, cookie: string[]): Promise<CpeReply | undefined> => {
        if (sent++ >= dieAfter) return undefined;
        return connection.post(body, cookie);
      };
      try {
        const parameters = {
          'Device.DeviceInfo.SoftwareVersion': tree.get('Device.DeviceInfo.SoftwareVersion') ?? '',
          ...options.parameters,
        };
        const welcome = await post(informText({ serial, ...options, parameters }), headers);
        if (!welcome || welcome.status !== 200 || welcome.body.includes(':Fault>')) return welcome?.status ?? 0;
        const cookie = [cookieFrom(welcome)];
        for (const request of requests) {
          const reply = await post(request, cookie);
          if (!reply) return 0;
          cpe.replies.push(reply);
        }
        for (let reply = await post('', cookie); ;) {
          if (!reply || reply.status !== 200) return reply?.status ?? 0;
          reply = await post(answer(reply.body), cookie);
        }
      } finally {
        connection.close();
      }
    },
  };

  function answer(text: string): string {
    const method = /<soap-env:Body><cwmp:(\w+)/.exec(text)?.[1] ?? '';
    cpe.asked.push({ method, body: text });
    const content = (cpe.handlers.get(method) ?? own[method] ?? (() => fault(9000)))(text);
    return content === '' ? '' : cwmp(content, idOf(text));
  }

  const own: Record<string, Handler> = {
    GetParameterValues(body) {
      const names = all(body, 'string');
      const bad = names.find((name) => !tree.has(name));
      if (bad !== undefined) return fault(9005);
      return response('GetParameterValues', `<ParameterList>${names.map(struct).join('')}</ParameterList>`);
    },
    SetParameterValues(body) {
      const names = all(body, 'Name');
      const values = all(body, 'Value');
      const bad = names.filter((name) => !tree.has(name));
      if (bad.length > 0)
        return fault(
          9003,
          bad.map((name) => [name, 9005]),
        );
      for (const [index, name] of names.entries()) tree.set(name, values[index] ?? '');
      tree.set('Device.ManagementServer.ParameterKey', all(body, 'ParameterKey')[0] ?? '');
      return response('SetParameterValues', '<Status>0</Status>');
    },
    GetParameterNames(body) {
      const path = all(body, 'ParameterPath')[0] ?? '';
      const children = new Set<string>();
      for (const name of tree.keys()) {
        if (!name.startsWith(path) || name === path) continue;
        const rest = name.slice(path.length);
        const end = rest.indexOf('.');
        children.add(path + (end < 0 ? rest : rest.slice(0, end + 1)));
      }
      if (children.size === 0 && ![...tree.keys()].some((name) => name.startsWith(path))) return fault(9005);
      const list = [...children].map(
        (name) => `<ParameterInfoStruct><Name>${name}</Name><Writable>1</Writable></ParameterInfoStruct>`,
      );
      return response('GetParameterNames', `<ParameterList>${list.join('')}</ParameterList>`);
    },
    SetParameterAttributes(body) {
      const levels = all(body, 'Notification');
      for (const [index, name] of all(body, 'Name').entries()) {
        if (!tree.has(name)) return fault(9005);
        cpe.notified.set(name, levels[index] ?? '');
      }
      return response('SetParameterAttributes', '');
    },
    AddObject(body) {
      const path = all(body, 'ObjectName')[0] ?? '';
      instances += 1;
      for (const name of ['Name', 'Enable']) tree.set(`${path}${instances}.${name}`, '');
      return response('AddObject', `<InstanceNumber>${instances}</InstanceNumber><Status>0</Status>`);
    },
    DeleteObject(body) {
      const path = all(body, 'ObjectName')[0] ?? '';
      const below = [...tree.keys()].filter((name) => name.startsWith(path));
      for (const name of below) tree.delete(name);
      return below.length === 0 ? fault(9005) : response('DeleteObject', '<Status>0</Status>');
    },
    Reboot() {
      cpe.rebooted += 1;
      return response('Reboot', '');
    },
    FactoryReset: () => response('FactoryReset', ''),
    Download: () => response('Download', '<Status>1</Status><StartTime/><CompleteTime/>'),
    Upload: () => response('Upload', '<Status>1</Status>'),
    CancelTransfer: () => response('CancelTransfer', ''),
    ChangeDUState: () => response('ChangeDUState', ''),
    ScheduleInform: () => response('ScheduleInform', ''),
  };

  function struct(name: string): string {
    const value = tree.get(name) ?? '';
    const type = /^\d+$/.test(value) ? 'unsignedInt' : /^(true|false)$/.test(value) ? 'boolean' : 'string';
    return `<ParameterValueStruct><Name>${name}</Name><Value xsi:type="xsd:${type}">${value}</Value></ParameterValueStruct>`;
  }

  return cpe;
}

/** Texts of all elements with this name. */
export function all(body: string, name: string): string[] {
  return [...body.matchAll(new RegExp(`<${name}(?: [^>]*)?>([^<]*)</${name}>`, 'g'))].map((match) => match[1] ?? '');
}

export function response(method: string, content: string): string {
  return `<cwmp:${method}Response>${content}</cwmp:${method}Response>`;
}

export function fault(code: number, parameters: [string, number][] = []): string {
  const list = parameters
    .map(
      ([name, one]) =>
        `<SetParameterValuesFault><ParameterName>${name}</ParameterName><FaultCode>${one}</FaultCode><FaultString/></SetParameterValuesFault>`,
    )
    .join('');
  return `<soapenv:Fault><faultcode>Client</faultcode><faultstring>CWMP fault</faultstring><detail><cwmp:Fault><FaultCode>${code}</FaultCode><FaultString/>${list}</cwmp:Fault></detail></soapenv:Fault>`;
}

export function transferComplete(commandKey: string, code = 0, id = '9'): string {
  return cwmp(
    `<cwmp:TransferComplete><CommandKey>${commandKey}</CommandKey><FaultStruct><FaultCode>${code}</FaultCode><FaultString/></FaultStruct><StartTime/><CompleteTime/></cwmp:TransferComplete>`,
    id,
  );
}

/** A listener for connection requests. `answers`: what it says, one after the other; the last one again and again. */
export async function listenForRequests(
  answers: { status: number; headers?: Record<string, string> }[] | 'reset-first',
  called: (authorization: string | undefined) => void = () => {},
): Promise<{ url: string; close(): void }> {
  let count = 0;
  const server = createServer((request, reply) => {
    count += 1;
    if (answers === 'reset-first') {
      if (count === 1) return void request.socket.resetAndDestroy();
      called(request.headers.authorization);
      return void reply.writeHead(200).end('OK');
    }
    const { status, headers = {} } = answers[Math.min(count, answers.length) - 1]!;
    called(request.headers.authorization);
    reply.writeHead(status, headers).end();
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/random`, close: () => void server.close().closeAllConnections() };
}
