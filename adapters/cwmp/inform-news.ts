/** What an Inform changes in what is known of its CPE. Pure. */
import type { Inventory } from '../../src/management/adapter.ts';
import type { Credentials } from '../../src/support/http-authentication.ts';
import type { Occasion } from './events.ts';
import { newFacts, type CpeFacts } from './facts.ts';
import type { Inform } from './rpc.ts';
import { startToldBy } from './starts.ts';
import { readBoolean } from './scalars.ts';

const roots = ['Device.', 'InternetGatewayDevice.'] as const;

/** Facts after an Inform; what the CPE has lost by a bootstrap is forgotten, and nothing more (quirk 43). `now`: ms since 1970. */
export function factsAfter(
  inform: Inform,
  occasion: Occasion,
  before: CpeFacts | undefined,
  namespace: string,
  now: number,
): CpeFacts {
  const root = rootOf(inform) ?? before?.root ?? 'Device.';
  const facts: CpeFacts = { ...(before ?? newFacts(namespace, root)), namespace, root };
  const valueOf = (name: string): string | undefined =>
    inform.parameters.find((parameter) => parameter.name === root + name)?.value.trim();
  const version = valueOf('DeviceInfo.SoftwareVersion');
  facts.connectionRequestUrl = valueOf('ManagementServer.ConnectionRequestURL') ?? facts.connectionRequestUrl;
  facts.udpAddress = valueOf('ManagementServer.UDPConnectionRequestAddress') ?? facts.udpAddress;
  facts.aliases = readBoolean(valueOf('ManagementServer.AliasBasedAddressing')) ?? facts.aliases;
  if (facts.udpAddress === '') facts.udpAddress = undefined;
  if (occasion.restarted || root !== before?.root) facts.discovered = false;
  if (version !== undefined && version !== facts.softwareVersion) {
    facts.notifiedInDoubt = facts.notified.length > 0 || undefined;
    facts.lacking = undefined;
    facts.softwareVersion = version;
    facts.discovered = false;
  }
  facts.start = startToldBy(inform, occasion, before?.start, now);
  if (occasion.bootstrap) {
    facts.provisioned = false;
    facts.periodicInterval = undefined;
    if (facts.stun) facts.stun = { ...facts.stun, told: '', proves: false };
    facts.notified = [];
    facts.notifiedInDoubt = undefined;
    facts.lacking = undefined;
  }
  return facts;
}

/**
 * What the operator has stored for connection requests comes before what we made up; when it is not what the CPE was told, it is
 * told again.
 */
export function callWith(facts: CpeFacts, stored: Credentials | undefined): void {
  const { username, password } = facts.connectionRequest ?? {};
  if (!stored || (stored.username === username && stored.password === password)) return;
  facts.connectionRequest = stored;
  facts.provisioned = false;
}

function rootOf({ parameters }: Inform): string | undefined {
  for (const { name } of parameters) {
    const root = roots.find((one) => name.startsWith(one));
    if (root) return root;
  }
  return undefined;
}

/** Undefined: no news. Until its objects were looked for, a new device has those that its Inform names. */
export function inventoryAfter(inform: Inform, facts: CpeFacts, before: Inventory | undefined): Inventory | undefined {
  const { manufacturer, productClass } = inform.deviceId;
  const { softwareVersion, root } = facts;
  const isKnown = before !== undefined && before.objects.some(({ path }) => path.startsWith(root));
  if (isKnown && before.softwareVersion === softwareVersion && before.manufacturer === manufacturer) return undefined;
  const objects = isKnown ? before.objects : [{ path: root }, { path: `${root}DeviceInfo.` }];
  return {
    objects,
    ...(before?.model === undefined ? {} : { model: before.model }),
    ...(manufacturer === '' ? {} : { manufacturer }),
    ...(productClass === '' ? {} : { productClass }),
    ...(softwareVersion === undefined ? {} : { softwareVersion }),
  };
}
