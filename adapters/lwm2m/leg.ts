/** The parts of the leg that its files share. */
import type { AdapterContext } from '../../src/management/adapter.ts';
import type { Turns } from '../../src/support/turns.ts';
import type { Endpoint } from './coap/endpoint.ts';
import type { Fleet } from './fleet.ts';
import type { ObjectModel } from './object-model.ts';
import type { ProcedureRunner } from './procedure-runner.ts';
import type { Lwm2mSettings } from './settings.ts';

export interface Leg {
  readonly context: AdapterContext;
  readonly endpoint: Endpoint;
  readonly settings: Lwm2mSettings;
  readonly model: ObjectModel;
  readonly fleet: Fleet;
  readonly procedures: ProcedureRunner;
  /** Registrations of one endpoint name, one at a time: what came first is in force before the next one is looked at. */
  readonly turns: Turns;
}
