import { keyArgument, numberArgument, soapArray } from './call.ts';
import type { Handler } from './call.ts';
import { CpeFault } from './cpe-fault.ts';
import type { Content, ProtocolVersion } from './envelope.ts';
import { refusalFor } from './faults.ts';
import { addObject, deleteObject } from './object-methods.ts';
import {
  getParameterAttributes,
  getParameterNames,
  getParameterValues,
  setParameterAttributes,
  setParameterValues,
} from './parameter-methods.ts';
import type { Software } from './software.ts';
import { transferMethods } from './transfer-methods.ts';
import type { Transfers } from './transfers.ts';
import type { Workshop } from './workshop.ts';
import type { XmlElement } from './xml.ts';

/** The version that brought an RPC; 1.0 where it is not said. */
const since: Readonly<Record<string, ProtocolVersion>> = {
  GetAllQueuedTransfers: '1.1',
  ScheduleDownload: '1.2',
  CancelTransfer: '1.2',
  ChangeDUState: '1.2',
};

export type Methods = Readonly<Record<string, Handler>>;

/** Goes down after the session. Who loses power before it has been told only boots. */
function restart({ power, faults, afterSession }: Workshop, run: () => void): void {
  if (faults.silentReboot) run();
  else
    afterSession(() => {
      if (!power.aborted) run();
    });
}

/** The RPCs of a CPE of that version. `written` hears of each value that a server has set. */
export function methodsOf(
  version: ProtocolVersion,
  parts: {
    transfers: Transfers;
    software: Software;
    hasSoftware: boolean;
    written: (path: string, value: string) => void;
  },
): Methods {
  const all: Record<string, Handler> = {
    GetRPCMethods: () => ({ MethodList: soapArray('xsd:string', Object.keys(methods)) }),
    SetParameterValues: setParameterValues(parts.written),
    GetParameterValues: getParameterValues,
    GetParameterNames: getParameterNames,
    SetParameterAttributes: setParameterAttributes,
    GetParameterAttributes: getParameterAttributes,
    AddObject: addObject,
    DeleteObject: deleteObject,
    Reboot(workshop, rpc) {
      const commandKey = keyArgument(rpc, 'CommandKey');
      restart(workshop, () => workshop.reboot('Reboot', { code: 'M Reboot', commandKey }));
      return '';
    },
    FactoryReset(workshop) {
      restart(workshop, () => workshop.factoryReset());
      return '';
    },
    ScheduleInform(workshop, rpc) {
      const commandKey = keyArgument(rpc, 'CommandKey');
      const seconds = numberArgument(rpc, 'DelaySeconds');
      if (seconds === 0) throw new CpeFault(9003, 'DelaySeconds is 0');
      workshop.later(seconds, () => {
        workshop.outbox.add('3 SCHEDULED');
        workshop.outbox.add('M ScheduleInform', commandKey);
        workshop.wantSession();
      });
      return '';
    },
    ...transferMethods(parts.transfers),
    ...(parts.hasSoftware ? { ChangeDUState: parts.software.changeState } : {}),
  };
  const methods = Object.fromEntries(Object.entries(all).filter(([name]) => (since[name] ?? '1.0') <= version));
  return methods;
}

/** What an RPC is about, for faults that are for certain names. */
function namesIn(rpc: XmlElement): string[] {
  const found: string[] = [];
  const walk = (element: XmlElement): void => {
    if (element.children.length > 0) for (const child of element.children) walk(child);
    else if (['Name', 'string', 'ParameterPath', 'ObjectName'].includes(element.local)) found.push(element.text);
  };
  walk(rpc);
  return found;
}

/** Does an RPC; undefined is the answer of a CPE that says nothing. Throws CpeFault. */
export function perform(
  methods: Methods,
  workshop: Workshop,
  rpc: XmlElement,
  id: string | undefined,
  seen: Set<string>,
): Content | undefined {
  const { faults, quirks } = workshop;
  const name = rpc.local;
  const handler = Object.hasOwn(methods, name) ? methods[name] : undefined;
  const silent = quirks.has(19) && (!handler || name.endsWith('ParameterAttributes'));
  if (silent || faults.emptyAnswer?.includes(name)) return undefined;
  if (!handler) throw new CpeFault(9000, name);
  if (quirks.has(46) && !seen.has(name)) {
    seen.add(name);
    throw new CpeFault(9002, 'busy');
  }
  const refusal = refusalFor(faults, name, namesIn(rpc));
  if (refusal) throw new CpeFault(refusal.code, refusal.text ?? 'on request');
  return handler(workshop, rpc, id);
}
