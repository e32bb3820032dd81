/** Software by SCOMO 1.0: a node below Download for each package, an operation of it, and what is then in the inventory. */
import { createHash } from 'node:crypto';
import type { Operation, Step } from '../../src/management/operation.ts';
import { failed, succeeded, type Failure } from '../../src/management/outcome.ts';
import type { Channel } from './channel.ts';
import { begin, execute, type Order, type Ordered } from './orders.ts';
import { packageAddress } from './package-address.ts';
import { childOf, nameOf } from './paths.ts';
import { childNames, leafText, readNodes } from './reading.ts';
import { addLeaf, addNode, setLeaf } from './writing.ts';
import type { WorkState } from './work.ts';

type Procedure = Extract<Step, { action: 'procedure' }>;

/** Best first. */
const installations = ['DownloadInstall', 'DownloadInstallInactive', 'Download'];

/** Status of a download (SCOMO 1.0, 6.1). */
const downloadFailed: ReadonlySet<number> = new Set([20, 60, 70]);
const removeFailed = 20;

export async function installSoftware(order: Order, { object, inputs, procedure }: Procedure): Promise<Ordered> {
  const { channel, operation, settings } = order;
  const address = await packageAddress(order, inputs['url']);
  if ('failure' in address) return address;
  const root = rootOf(object);
  const own = /\/Download\/[^/]+$/.test(object) ? object : undefined;
  const inventories = ['Deployed', 'Delivered'].map((name) => `${root}/Inventory/${name}`);
  const nodes = await readNodes(channel, [...(own === undefined ? [] : [own]), ...inventories]);
  const silent = [...nodes.values()].find(({ status }) => status === undefined);
  if (silent?.failure) return { failure: silent.failure };
  const before = inventories.flatMap((path) => childrenAt(nodes, path));
  const isThere = own !== undefined && nodes.get(own)?.isAbsent === false;
  const node = isThere ? own : `${root}/Download/${nodeNameOf(operation)}`;
  const name = typeof inputs['name'] === 'string' ? inputs['name'] : undefined;
  const failure = isThere
    ? await setLeaf(channel, childOf(node, 'PkgURL'), address.url)
    : await addPackage(channel, node, { PkgID: packageIdOf(inputs['url']), PkgURL: address.url, Name: name });
  if (failure) return { failure };
  const operations = childOf(node, 'Operations');
  const offered = childrenAt(await readNodes(channel, [operations]), operations).map(nameOf);
  const wanted = installations.find((one) => offered.includes(one)) ?? installations[0]!;
  const state: WorkState = {
    work: 'software',
    phase: wanted === 'Download' ? 'downloading' : 'running',
    object: node,
    before,
  };
  const { downloadDeadline: deadline } = settings;
  return begin(order, childOf(operations, wanted), { procedure, holds: object, state, deadline });
}

export async function uninstallSoftware(order: Order, { object, procedure }: Procedure): Promise<Ordered> {
  if (!/\/Inventory\/(?:Deployed|Delivered)\/[^/]+$/.test(object)) {
    const explanation = `${object || 'the package'} is not installed on the device; install it first`;
    return { failure: { cause: 'not-acceptable', explanation } };
  }
  const state: WorkState = { work: 'software', phase: 'running', object };
  const { updateDeadline: deadline } = order.settings;
  return begin(order, childOf(object, 'Operations/Remove'), { procedure, holds: object, state, deadline });
}

/** The node before its leaves; those that the device has made with it are overwritten. */
async function addPackage(
  channel: Channel,
  node: string,
  leaves: Readonly<Record<string, string | undefined>>,
): Promise<Failure | undefined> {
  const failure = await addNode(channel, node);
  // There from an earlier try of the same operation.
  if (failure && failure.cause !== 'already-exists') return failure;
  for (const [name, text] of Object.entries(leaves)) {
    if (text === undefined) continue;
    const problem = await addLeaf(channel, { path: childOf(node, name), value: text, type: 'string' });
    // A device without a Name takes none.
    if (problem && name !== 'Name') return problem;
  }
  return undefined;
}

/** Looks how far an accepted change is, where no alert has told. */
export async function followSoftware(order: Order, work: WorkState): Promise<void> {
  return /\/Download\/[^/]+$/.test(work.object) ? followInstallation(order, work) : followRemoval(order, work);
}

async function followInstallation(order: Order, work: WorkState): Promise<void> {
  const { channel, teller } = order;
  const root = rootOf(work.object);
  const [statusPath, deployed, delivered] = [
    childOf(work.object, 'Status'),
    `${root}/Inventory/Deployed`,
    `${root}/Inventory/Delivered`,
  ];
  const nodes = await readNodes(channel, [statusPath, deployed, delivered]);
  if ([...nodes.values()].some(({ status }) => status === undefined)) return undefined;
  const status = Number(leafText(nodes.get(statusPath), statusPath) ?? Number.NaN);
  const isNew = (path: string): boolean => !(work.before ?? []).includes(path);
  const installed = childrenAt(nodes, deployed).find(isNew);
  if (installed !== undefined) return teller.ends(succeeded([], { evidence: `${installed} is there` }));
  if (downloadFailed.has(status)) {
    const cause = status === 20 ? 'transfer-failed' : 'update-failed';
    const explanation = `the device could not ${status === 20 ? 'fetch' : 'install'} the package; check it and its URL`;
    return teller.ends(failed({ cause, explanation, evidence: `Status ${status}` }));
  }
  const fetched = childrenAt(nodes, delivered).find(isNew);
  if (work.phase === 'ready' || (work.phase === 'downloading' && fetched !== undefined)) {
    return fetched === undefined ? undefined : orderInstallation(order, work, fetched);
  }
  if (work.phase === 'running' && work.result !== undefined) {
    return teller.ends(succeeded([], { evidence: `Status ${work.result} to Exec` }));
  }
}

/** The second order: noted before it leaves, and never repeated. */
async function orderInstallation(order: Order, work: WorkState, delivered: string): Promise<void> {
  const { teller, operation, settings, channel } = order;
  const state: WorkState = { ...work, phase: 'running' };
  const { updateDeadline: deadline } = settings;
  await teller.goesOn({
    procedure: 'software-install',
    holds: operation.pending?.holds,
    state,
    deadline,
    progress: 50,
  });
  const operations = childOf(delivered, 'Operations');
  const offered = childrenAt(await readNodes(channel, [operations]), operations).map(nameOf);
  const wanted = offered.includes('Install') || !offered.includes('InstallInactive') ? 'Install' : 'InstallInactive';
  const reply = await execute(order, childOf(operations, wanted));
  if (order.isTold() || reply.status === undefined) return;
  if (reply.failure) await teller.ends(failed(reply.failure));
  else if (reply.status === 200) await teller.ends(succeeded([], { evidence: 'Status 200 to Exec' }));
}

async function followRemoval({ channel, teller }: Order, work: WorkState): Promise<void> {
  const statusPath = childOf(work.object, 'Status');
  const nodes = await readNodes(channel, [work.object, statusPath]);
  const reply = nodes.get(work.object)!;
  if (reply.status === undefined) return undefined;
  if (reply.isAbsent) return teller.ends(succeeded([], { evidence: `${work.object} is gone` }));
  const status = Number(leafText(nodes.get(statusPath), statusPath) ?? Number.NaN);
  if (status === removeFailed) {
    const explanation = 'the device could not remove the component; look at it there';
    return teller.ends(failed({ cause: 'update-failed', explanation, evidence: `Status ${status}` }));
  }
  if (work.result !== undefined) return teller.ends(succeeded([], { evidence: `Status ${work.result} to Exec` }));
}

/** Of `<x>/Download/…` and `<x>/Inventory/…`. */
function rootOf(path: string): string {
  return path.replace(/\/(?:Download|Inventory)(?:\/.*)?$/, '');
}

/** The same after a restart of the gateway, so that a second try finds the node of the first. */
function nodeNameOf({ id }: Pick<Operation, 'id'>): string {
  return `t${createHash('sha1').update(id).digest('hex').slice(0, 10)}`;
}

/** SCOMO wants a globally unique one of whoever makes it; the same package has the same. */
function packageIdOf(url: unknown): string {
  return `trivet-${createHash('sha1').update(String(url)).digest('hex').slice(0, 16)}`;
}

function childrenAt(nodes: Awaited<ReturnType<typeof readNodes>>, path: string): string[] {
  const reply = nodes.get(path);
  return !reply || reply.failure ? [] : childNames(reply, path).map((name) => childOf(path, name));
}
