import { startOmadmClient } from '../simulators/omadm-client.ts';
import type {
  ClientEvent,
  Dialect,
  Faults,
  ProtocolVersion,
  Quirk,
  SimulatedClient,
} from '../simulators/omadm-client.ts';

/** What `trivet simulate --technology omadm` was asked for. */
export interface ClientChoices {
  deviceIds: string[];
  server: string;
  username?: string;
  password?: string;
  serverId?: string;
  serverPassword?: string;
  version: ProtocolVersion;
  encoding: 'xml' | 'wbxml';
  dialect?: Dialect;
  listen: ('udp' | 'http')[];
  /** Seconds from one session to the next; 0: by need only. */
  pollInterval: number;
  speed: number;
  faults: Faults;
  quirks: Quirk[];
  /** What it trusts and shows, for https. PEM. */
  tls: { ca?: Buffer; cert?: Buffer; key?: Buffer };
}

/** Starts the clients; each event of each goes to `tell`. The result ends them. Rejects when one cannot start. */
export async function startClients(
  choices: ClientChoices,
  tell: (deviceId: string, event: Pick<ClientEvent, 'at' | 'text'>) => void,
): Promise<() => Promise<void>> {
  const { deviceIds, server, username, password, serverId, serverPassword, version, encoding, ...rest } = choices;
  const { dialect, listen, pollInterval, speed, faults, quirks, tls } = rest;
  const clients: SimulatedClient[] = [];
  const end = async (): Promise<void> => void (await Promise.all(clients.map((client) => client.stop())));
  try {
    for (const [at, deviceId] of deviceIds.entries()) {
      const client = await startOmadmClient({
        server,
        deviceId,
        username,
        password,
        serverId,
        serverPassword,
        version,
        encoding,
        dialect,
        listen,
        pollInterval,
        speed,
        quirks,
        tls,
        faults: structuredClone(faults),
        life: true,
        seed: at + 1,
        autoSession: false,
        onEvent: (event) => tell(deviceId, event),
      });
      for (const address of [client.udpAddress, client.pushUrl].filter((one) => one !== ''))
        tell(deviceId, { at: Date.now(), text: `hears notifications at ${address}` });
      clients.push(client);
    }
  } catch (problem) {
    await end();
    throw problem;
  }
  return end;
}
