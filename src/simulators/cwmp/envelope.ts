import { create } from 'xmlbuilder2';
import type { Quirk } from './quirks.ts';
import { bendContent, bendText, encode } from './wire-quirks.ts';
import { childOf, readXml, textOf, XmlError } from './xml.ts';
import type { XmlElement } from './xml.ts';

/** An element as xmlbuilder2 takes it: `@name` is an attribute, `#` the text beside attributes; an array is a repeated element. */
export type Content = string | { [name: string]: Content | Content[] };

/** TR-069 protocol version. */
export type ProtocolVersion = '1.0' | '1.1' | '1.2' | '1.3' | '1.4';

/** 1.3 and 1.4 kept the namespace of 1.2 (cwmp-1-3.xsd, cwmp-1-4.xsd). */
export function namespaceOf(version: ProtocolVersion): string {
  return `urn:dslforum-org:cwmp-1-${Math.min(2, Number(version.slice(2)))}`;
}

export interface Outgoing {
  /** cwmp:ID; none when the message that it answers had none. */
  id: string | undefined;
  /** `Inform`, `TransferComplete`, `GetParameterValuesResponse`, or `Fault`. */
  method: string;
  content: Content;
  version: ProtocolVersion;
  quirks: ReadonlySet<Quirk>;
}

function header(message: Outgoing): Content {
  const { id, method, version } = message;
  const elements: Record<string, Content> = {};
  if (id !== undefined) elements['cwmp:ID'] = { '@soap-env:mustUnderstand': '1', '#': id };
  if (method === 'Inform' && Number(version.slice(2)) >= 3)
    elements['cwmp:SessionTimeout'] = { '@soap-env:mustUnderstand': '0', '#': '60' };
  if (method === 'Inform' && version === '1.4')
    elements['cwmp:SupportedCWMPVersions'] = { '@soap-env:mustUnderstand': '0', '#': '1.0,1.1,1.2,1.3,1.4' };
  return elements;
}

// xmlbuilder2 leaves & alone in what looks like an entity, so "&lt;" as a value would come out as "<"; a noncharacter stands in for it.
const ampersand = '\ufdd0';

function hideAmpersands(content: Content): Content {
  if (typeof content === 'string') return content.replaceAll('&', ampersand);
  return Object.fromEntries(
    Object.entries(content).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.map(hideAmpersands) : hideAmpersands(value),
    ]),
  );
}

/** The bytes of a SOAP 1.1 envelope. Empty elements have both tags. */
export function writeEnvelope(message: Outgoing): Buffer {
  const { method, quirks, version } = message;
  const body = { [method === 'Fault' ? 'soap-env:Fault' : `cwmp:${method}`]: message.content };
  const envelope = {
    'soap-env:Envelope': {
      '@xmlns:soap-env': 'http://schemas.xmlsoap.org/soap/envelope/',
      '@xmlns:soap-enc': 'http://schemas.xmlsoap.org/soap/encoding/',
      '@xmlns:xsd': 'http://www.w3.org/2001/XMLSchema',
      '@xmlns:xsi': 'http://www.w3.org/2001/XMLSchema-instance',
      '@xmlns:cwmp': namespaceOf(version),
      'soap-env:Header': header(message),
      'soap-env:Body': body,
    },
  };
  const xml = create(hideAmpersands(bendContent(envelope, quirks))).end({ headless: true, allowEmptyTags: true });
  const text = xml.replaceAll(ampersand, '&amp;').replaceAll('\r', '&#13;');
  return encode(`<?xml version="1.0" encoding="UTF-8"?>\n${bendText(text, quirks)}`, quirks);
}

/** A message of the server. */
export interface Incoming {
  method: string;
  id: string | undefined;
  /** The RPC element. */
  element: XmlElement;
  holdRequests: boolean;
  /** Fault code of a fault of the server, for example 8005. */
  fault?: number;
}

/** What is odd about a message that can be read all the same; one sentence each. */
export type Complain = (sentence: string) => void;

/** Reads what the server sent. Throws XmlError for what a CPE cannot read or does not take. */
export function readEnvelope(
  text: string,
  version: ProtocolVersion,
  quirks: ReadonlySet<Quirk>,
  complain: Complain,
): Incoming {
  if (quirks.has(1) && text.startsWith('<?xml')) throw new XmlError('the message begins with <?xml (quirk 1)');
  const envelope = readXml(text);
  if (envelope.local !== 'Envelope') throw new XmlError(`the root is ${envelope.name}, not an Envelope`);
  if (envelope.namespace !== 'http://schemas.xmlsoap.org/soap/envelope/')
    throw new XmlError(`the envelope is not one of SOAP 1.1: ${envelope.namespace}`);
  const head = childOf(envelope, 'Header');
  const [element] = childOf(envelope, 'Body')?.children ?? [];
  if (!element) throw new XmlError('the Body is empty');
  const hold = textOf(head, 'HoldRequests')?.trim();
  const common = { id: textOf(head, 'ID'), holdRequests: hold === '1' || hold === 'true' };
  for (const one of head?.children ?? []) {
    // SOAP 1.1 4.2.3
    if (one.attributes['mustUnderstand'] === '1' && !['ID', 'HoldRequests', 'UseCWMPVersion'].includes(one.local))
      throw new XmlError(`the header ${one.local} must be understood and is not`);
  }
  if (element.local === 'Fault') {
    const fault = Number(textOf(childOf(childOf(element, 'detail'), 'Fault'), 'FaultCode') ?? 8002);
    return { ...common, method: 'Fault', element, fault };
  }
  if (quirks.has(2) && !element.name.startsWith('cwmp:'))
    throw new XmlError(`${element.name} does not begin with cwmp: (quirk 2)`);
  if (element.namespace !== namespaceOf(version) && !quirks.has(5))
    complain(
      `${element.local} has the namespace ${element.namespace || '(none)'}, the Inform had ${namespaceOf(version)}`,
    );
  const qualified = element.children.find((child) => child.namespace !== '');
  if (qualified) complain(`${qualified.name} has a namespace; arguments have none`);
  return { ...common, method: element.local, element };
}
