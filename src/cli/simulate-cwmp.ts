import { startCwmpCpe } from '../simulators/cwmp-cpe.ts';
import type { DataModel, DeviceEvent, Faults, ProtocolVersion, SimulatedCpe } from '../simulators/cwmp-cpe.ts';

/** What `trivet simulate --technology cwmp` was asked for. */
export interface CpeChoices {
  /** Serial numbers. */
  serialNumbers: string[];
  server: string;
  username: string | undefined;
  password: string | undefined;
  version: ProtocolVersion;
  dataModel: DataModel;
  /** Seconds between periodic Informs; 0 waits for the server to set it. */
  periodic: number;
  speed: number;
  faults: Faults;
  nat: boolean;
  quirks: number[];
  /** What it trusts and shows, for https. PEM. */
  tls: { ca?: Buffer; cert?: Buffer; key?: Buffer };
}

/** Starts the devices; each event of each goes to `tell`. The result ends them. Rejects when one cannot start. */
export async function startCpes(
  choices: CpeChoices,
  tell: (serialNumber: string, event: DeviceEvent) => void,
): Promise<() => Promise<void>> {
  const { serialNumbers, server, periodic, ...rest } = choices;
  const cpes: SimulatedCpe[] = [];
  const end = async (): Promise<void> => void (await Promise.all(cpes.map((cpe) => cpe.stop())));
  try {
    for (const [at, serialNumber] of serialNumbers.entries()) {
      const cpe = await startCwmpCpe({
        ...rest,
        acs: server,
        serialNumber,
        periodicInform: periodic,
        seed: at + 1,
        faults: structuredClone(rest.faults),
        autoInform: false,
        onEvent: (event) => tell(serialNumber, event),
      });
      cpes.push(cpe);
    }
  } catch (problem) {
    await end();
    throw problem;
  }
  return end;
}
