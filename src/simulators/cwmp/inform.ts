import { soapArray } from './call.ts';
import type { Content } from './envelope.ts';
import type { EventEntry } from './outbox.ts';
import { valueStruct } from './parameter-methods.ts';
import { wireTime } from './values.ts';
import type { Workshop } from './workshop.ts';

/** DeviceId of an Inform. */
export interface Identity {
  manufacturer: string;
  oui: string;
  productClass: string;
  serialNumber: string;
}

/** The content of an Inform with the values as they are now. `paths` are full names; what is not there is left out. */
export function informContent(
  workshop: Workshop,
  identity: Identity,
  events: readonly EventEntry[],
  paths: readonly string[],
  retryCount: number,
): Content {
  const { tree, quirks } = workshop;
  const nodes = [...new Set(paths)].flatMap((path) => tree.parameter(path) ?? []);
  const time = wireTime(workshop.now());
  return {
    DeviceId: {
      Manufacturer: identity.manufacturer,
      OUI: identity.oui,
      ProductClass: identity.productClass,
      SerialNumber: identity.serialNumber,
    },
    Event: soapArray(
      'cwmp:EventStruct',
      events.map(({ code, commandKey }) => ({
        EventCode: quirks.has(43) ? code.toLowerCase() : code,
        CommandKey: commandKey,
      })),
    ),
    MaxEnvelopes: '1',
    CurrentTime: quirks.has(8) ? '' : quirks.has(11) ? time.replace('Z', '') : time,
    RetryCount: String(retryCount),
    ParameterList: soapArray(
      'cwmp:ParameterValueStruct',
      nodes.map((node) => valueStruct(node, quirks)),
    ),
  };
}
