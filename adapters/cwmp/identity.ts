/** Who a CPE is: OUI, product class and serial number (TR-069 3.4.4), as a URN (TS-0001 9.6.20) and as a user name. */
import type { DeviceId } from './rpc/reports.ts';

/** Anything else would be a separator, a path or a blank somewhere (quirk 45). */
const plain = /^[A-Za-z0-9_]*$/;
const maximumPart = 256;

function encodePart(part: string): string {
  const short = part.slice(0, maximumPart);
  if (plain.test(short)) return short;
  let encoded = '';
  for (const octet of Buffer.from(short, 'utf8')) {
    const character = String.fromCharCode(octet);
    encoded += plain.test(character) ? character : `%${octet.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return encoded;
}

/** `00D09E-IGD-0123`, or `00D09E-0123` without a product class: what a CPE takes as its user name by default. */
export function deviceKey({ oui, productClass, serialNumber }: Omit<DeviceId, 'manufacturer'>): string {
  return [oui.toUpperCase(), ...(productClass === '' ? [] : [productClass]), serialNumber].map(encodePart).join('-');
}

/** `urn:dev:ops:OUI-ProductClass-Serial`, or `urn:dev:os:OUI-Serial`. */
export function deviceUrn(id: Omit<DeviceId, 'manufacturer'>): string {
  return `urn:dev:${id.productClass === '' ? 'os' : 'ops'}:${deviceKey(id)}`;
}

/** An embedded device has no number of its own: its container, its controller, and its name there (TS-0006 6.1). */
export function embeddedUrn(container: string, controllerId: string, proxiedDeviceId: string): string {
  return `${container}:${encodePart(controllerId)}:${encodePart(proxiedDeviceId)}`;
}

/** Why an identity cannot be used; undefined when it can. */
export function identityProblem({ oui, serialNumber }: DeviceId): string | undefined {
  if (serialNumber === '') return 'the Inform has no SerialNumber';
  if (oui === '') return 'the Inform has no OUI';
  return undefined;
}
