import type { GenericAlert } from './outbox.ts';
import { address, part } from './part.ts';
import type { Part } from './part.ts';
import type { OwnHeader } from './proofs.ts';
import type { Quirk } from './quirks.ts';
import { metaPart } from './replies.ts';
import type { Entry } from './replies.ts';
import { encode, representationOf } from './wire.ts';
import type { Wire } from './wire.ts';
import type { Workshop } from './workshop.ts';

/** An alert with one Item: 1224 and 1226. Its data may be spread over messages. */
export function genericAlert(
  quirks: ReadonlySet<Quirk>,
  { code, type, format, mark, source, target, correlator, data }: GenericAlert,
  answered: (code: number) => void,
): Entry {
  return {
    name: 'Alert',
    answered,
    cut: data,
    write: (id, slice) =>
      part('Alert', [
        part('CmdID', id),
        part('Data', String(code)),
        correlator === '' || quirks.has('no-correlator') ? undefined : part('Correlator', correlator),
        part('Item', [
          target === undefined ? undefined : address('Target', target),
          source === undefined ? undefined : address('Source', source),
          metaPart(quirks, {
            Type: type,
            Format: format,
            Mark: mark,
            Size: slice?.size === undefined ? undefined : String(slice.size),
          }),
          part('Data', slice ? slice.data : data),
          slice?.more ? part('MoreData') : undefined,
        ]),
      ]),
  };
}

/** The Replace of package 1: one Item for each leaf of DevInfo. */
export function deviceInfo({ tree, quirks }: Workshop): Entry {
  const info = tree.find('./DevInfo');
  const nodes = info ? [...tree.below(info)].slice(1) : [];
  const shown = nodes.filter((node) => node.format !== 'node' || quirks.has('device-info-nodes'));
  return {
    name: 'Replace',
    write: (id) =>
      part('Replace', [
        part('CmdID', id),
        ...shown.map((node) =>
          part('Item', [
            address('Source', tree.pathOf(node)),
            quirks.has('device-info-without-meta')
              ? undefined
              : metaPart(quirks, { Format: node.format, Type: node.type === '' ? undefined : node.type }),
            part('Data', node.children ? [...node.children.keys()].join('/') : String(node.value)),
          ]),
        ),
      ]),
  };
}

export interface Speaker {
  wire: Wire;
  deviceId: string;
  sessionId: string;
  /** Octets; undefined: nothing is said of it. */
  maximumMessageSize: number | undefined;
  maximumObjectSize: number;
}

/** The octets of a message of the client. */
export function writeMessage(
  { wire, deviceId, sessionId, maximumMessageSize, maximumObjectSize }: Speaker,
  { id, target, own, body }: { id: string; target: string; own: OwnHeader; body: Part[] },
): Buffer {
  const limits = [part('MaxMsgSize', String(maximumMessageSize)), part('MaxObjSize', String(maximumObjectSize))];
  const header = part('SyncHdr', [
    part('VerDTD', representationOf(wire.version)),
    part('VerProto', `DM/${wire.version}`),
    part('SessionID', sessionId),
    part('MsgID', id),
    address('Target', target),
    address('Source', deviceId, own.name),
    own.credential,
    maximumMessageSize === undefined ? undefined : part('Meta', limits),
  ]);
  return encode(wire, part('SyncML', [header, part('SyncBody', body)]));
}
