/** CPEs as fixed strings: what they send is put together from a captured Inform and a small tree, and costs next to nothing. */
import { readFileSync } from 'node:fs';

const captured = readFileSync(new URL('../fixtures/cwmp/orange-inform-bootstrap.http', import.meta.url), 'latin1');
const capturedBody = captured.slice(captured.indexOf('\r\n\r\n') + 4);
const capturedUrl = /http:\/\/127\.0\.0\.1:\d+\/\w+/;
const capturedEvents = /<Event [\s\S]*<\/Event>/;

export type Occasion = '0 BOOTSTRAP' | '1 BOOT' | '2 PERIODIC' | '6 CONNECTION REQUEST';

/** The one parameter that differs from CPE to CPE: its writes are counted. */
export const ownParameter = 'Device.X_oneM2M_org_CSE.1.CMDH.Buffer.1.MaximumBufferSize';

export interface Cpe {
  index: number;
  /** Its connection request URL, for all its life. */
  url: string;
  /** Value of its own parameter. */
  value: number;
  /** How often that was set, and when it was last; ms, as `performance.now()`. */
  writes: number;
  writtenAt: number;
}

export function createCpe(index: number, url: string): Cpe {
  return { index, url, value: 0, writes: 0, writtenAt: 0 };
}

/** Connection request URL of a CPE. */
export function urlOf(port: number, index: number): string {
  return `http://127.0.0.1:${port}/${index}`;
}

/** As in the node that the gateway makes of it. */
export function serialOf(index: number): string {
  return `BENCH${String(index).padStart(7, '0')}`;
}

const eventList = (codes: string[]): string => {
  const structs = codes.map(
    (code) => `<EventStruct>\n<EventCode>${code}</EventCode>\n<CommandKey></CommandKey>\n</EventStruct>\n`,
  );
  return `<Event soapenc:arrayType="cwmp:EventStruct[${codes.length}]">\n${structs.join('')}</Event>`;
};

/** An Inform of seven parameters, as it was captured but for serial number, events and address. */
export function informOf({ index, url }: Cpe, occasion: Occasion): string {
  const [head, tail] = halves(occasion);
  return `${head}${serialOf(index)}${tail.replace('@URL@', url)}`;
}

/** An Inform of that many parameters, in the shape of the captured one. */
export function informWith(count: number): string {
  const structs = Array.from(
    { length: count },
    (_, at) =>
      `<ParameterValueStruct>\n<Name>Device.Services.BenchService.1.Counter.${at + 1}.Value</Name>\n<Value xsi:type="xsd:unsignedInt">${at * 1000}</Value>\n</ParameterValueStruct>\n`,
  );
  const list = `<ParameterList soapenc:arrayType="cwmp:ParameterValueStruct[${count}]">\n${structs.join('')}</ParameterList>`;
  return capturedBody.replace(/<ParameterList [\s\S]*<\/ParameterList>/, list);
}

const halvesKnown = new Map<Occasion, [string, string]>();

/** Before and after the serial number. */
function halves(occasion: Occasion): [string, string] {
  const known = halvesKnown.get(occasion);
  if (known) return known;
  const body = capturedBody
    .replace(capturedEvents, eventList(occasion === '0 BOOTSTRAP' ? [occasion, '1 BOOT'] : [occasion]))
    .replace(capturedUrl, '@URL@');
  const at = body.indexOf('JINGBO');
  const made: [string, string] = [body.slice(0, at), body.slice(at + 'JINGBO'.length)];
  halvesKnown.set(occasion, made);
  return made;
}

/** A POST as the captured agent makes it. */
export function post(body: string, cookie: string): string {
  const type = body === '' ? '' : 'Content-Type: text/xml; charset="utf-8"\r\n';
  return `POST /tr69 HTTP/1.1\r\nHost: 127.0.0.1:7547\r\nAccept: */*\r\n${cookie}${type}Content-Length: ${body.length}\r\n\r\n${body}`;
}

const tree: Record<string, [type: string, value: string]> = {
  'Device.DeviceInfo.Manufacturer': ['string', 'MyManufacturer'],
  'Device.DeviceInfo.ModelName': ['string', 'TR69Generic'],
  'Device.DeviceInfo.ProductClass': ['string', 'TR69Generic'],
  'Device.DeviceInfo.SerialNumber': ['string', 'x'],
  'Device.DeviceInfo.HardwareVersion': ['string', 'HV1.0.0'],
  'Device.DeviceInfo.SoftwareVersion': ['string', 'SV1.0.5'],
  'Device.DeviceInfo.AdditionalSoftwareVersion': ['string', ''],
  'Device.DeviceInfo.SpecVersion': ['string', '1.0'],
  'Device.DeviceInfo.ProvisioningCode': ['string', ''],
  'Device.ManagementServer.ParameterKey': ['string', ''],
  'Device.X_oneM2M_org_CSE.1.CMDH.Buffer.1.EventCategories': ['string', '2,3'],
  [ownParameter]: ['unsignedInt', ''],
  'Device.X_oneM2M_org_CSE.1.CMDH.Buffer.1.StoragePriority': ['unsignedInt', '5'],
};
const names = Object.keys(tree);

const envelope = (id: string, content: string): string =>
  `<?xml version="1.0"?>\n<soapenv:Envelope xmlns:soapenc="http://schemas.xmlsoap.org/soap/encoding/" xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:cwmp="urn:dslforum-org:cwmp-1-0"><soapenv:Header><cwmp:ID soapenv:mustUnderstand="1">${id}</cwmp:ID></soapenv:Header><soapenv:Body>${content}</soapenv:Body></soapenv:Envelope>`;

const fault = (code: number): string =>
  `<soapenv:Fault><faultcode>Client</faultcode><faultstring>CWMP fault</faultstring><detail><cwmp:Fault><FaultCode>${code}</FaultCode><FaultString>fault ${code}</FaultString></cwmp:Fault></detail></soapenv:Fault>`;

const response = (method: string, content: string): string =>
  `<cwmp:${method}Response>${content}</cwmp:${method}Response>`;

function all(text: string, element: string): string[] {
  return [...text.matchAll(new RegExp(`<${element}(?: [^>]*)?>([^<]*)</${element}>`, 'g'))].map((match) => match[1]!);
}

const namesBelow = new Map<string, string>();

function parameterNames(path: string): string {
  const known = namesBelow.get(path);
  if (known !== undefined) return known;
  const children = new Set(
    names
      .filter((name) => name.startsWith(path))
      .map((name) => {
        const end = name.indexOf('.', path.length);
        return end < 0 ? name : name.slice(0, end + 1);
      }),
  );
  const structs = [...children].map(
    (name) => `<ParameterInfoStruct><Name>${name}</Name><Writable>1</Writable></ParameterInfoStruct>`,
  );
  const content =
    structs.length === 0
      ? fault(9005)
      : response(
          'GetParameterNames',
          `<ParameterList soapenc:arrayType="cwmp:ParameterInfoStruct[${structs.length}]">${structs.join('')}</ParameterList>`,
        );
  namesBelow.set(path, content);
  return content;
}

function parameterValues(cpe: Cpe, wanted: string[]): string {
  if (wanted.some((name) => !tree[name])) return fault(9005);
  const structs = wanted.map((name) => {
    const [type, fixed] = tree[name]!;
    const value =
      name === ownParameter ? String(cpe.value) : name.endsWith('.SerialNumber') ? serialOf(cpe.index) : fixed;
    return `<ParameterValueStruct><Name>${name}</Name><Value xsi:type="xsd:${type}">${value}</Value></ParameterValueStruct>`;
  });
  return response(
    'GetParameterValues',
    `<ParameterList soapenc:arrayType="cwmp:ParameterValueStruct[${structs.length}]">${structs.join('')}</ParameterList>`,
  );
}

function setValues(cpe: Cpe, text: string): string {
  for (const [at, name] of all(text, 'Name').entries()) {
    if (name !== ownParameter) continue;
    cpe.value = Number(all(text, 'Value')[at]);
    cpe.writes += 1;
    cpe.writtenAt = performance.now();
  }
  return response('SetParameterValues', '<Status>0</Status>');
}

/** What the CPE answers to an envelope of the ACS. */
export function answerOf(cpe: Cpe, text: string): string {
  const method = /<soap-env:Body><cwmp:(\w+)/.exec(text)?.[1];
  const id = /<cwmp:ID[^>]*>([^<]*)/.exec(text)?.[1] ?? '';
  switch (method) {
    case 'GetParameterNames':
      return envelope(id, parameterNames(all(text, 'ParameterPath')[0] ?? ''));
    case 'GetParameterValues':
      return envelope(id, parameterValues(cpe, all(text, 'string')));
    case 'SetParameterValues':
      return envelope(id, setValues(cpe, text));
    case 'SetParameterAttributes':
      return envelope(id, response(method, ''));
    default:
      return envelope(id, fault(9000));
  }
}
