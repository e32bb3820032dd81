import type { Deed } from './journal.ts';
import type { ExecOrder } from './tree.ts';
import type { Workshop } from './workshop.ts';

/** An operation of a management object that takes a while and ends with an alert. */
export interface Operation {
  /** The node that is executed. */
  path: string;
  /** The object that the alert names. */
  source: string;
  alertType: string;
  /** What the journal calls it. */
  kind: Deed;
  /** Seconds on the device. */
  seconds: number;
  /** Does it and gives the result code; 1200 is success. */
  perform(order: ExecOrder): number;
}

const good = (code: number): boolean => code >= 1200 && code < 1300;

/** Tells the server how an operation ended, as the faults want it. */
export function tellResult(
  workshop: Workshop,
  alert: { type: string; source: string; target?: string; correlator: string; code: number },
): void {
  const { faults } = workshop;
  const { code, correlator, ...rest } = alert;
  if (faults.resultAlert === 'never') return;
  const told = {
    ...rest,
    format: 'int',
    mark: good(code) ? 'informational' : 'warning',
    correlator: faults.resultAlert === 'without-correlator' ? '' : correlator,
    data: String(code),
  };
  workshop.alert(told);
  if (faults.resultAlert === 'twice') workshop.alert({ ...told });
}

/** Puts the node of an operation into the tree: 202 and an alert, or with the fault `synchronous` 200. */
export function defineOperation(workshop: Workshop, operation: Operation): void {
  const { journal, faults, tree } = workshop;
  const { path, source, alertType, kind, seconds } = operation;
  const finish = (order: ExecOrder): number => {
    const code = faults.operationResult ?? operation.perform(order);
    journal.record({ kind, path, code, correlator: order.correlator });
    journal.tell('operation', `${path} ended with ${code}`, { path });
    return code;
  };
  tree.define(path, {
    format: 'node',
    access: 'EG',
    run(order) {
      if (faults.synchronous) return good(finish(order)) ? 200 : 500;
      workshop.afterSession(() => {
        workshop.later(seconds, () => {
          const code = finish(order);
          tellResult(workshop, { type: alertType, source, correlator: order.correlator, code });
        });
      });
      return 202;
    },
  });
}
