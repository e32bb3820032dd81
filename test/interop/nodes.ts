/** Where the nodes and management objects of devices are, as a DM application finds out. */
import type { McaClient } from '../support/mca-client.ts';

async function discover(mca: McaClient, address: string): Promise<string[]> {
  const { text } = await mca.get(address);
  const { 'm2m:uril': found = [] } = JSON.parse(text) as { 'm2m:uril'?: string[] };
  return found;
}

export function nodes(mca: McaClient): Promise<string[]> {
  return discover(mca, 'cse-in?fu=1&ty=14');
}

/** The address of the node with this endpoint name; undefined while there is none. */
export async function findNode(mca: McaClient, endpoint: string): Promise<string | undefined> {
  for (const address of await nodes(mca)) {
    const { body } = await mca.get(address);
    if (body['m2m:nod']?.['ni'] === endpoint) return address;
  }
  return undefined;
}

/** Names of the management objects of a node, in order of the alphabet; none while there is no such node. */
export async function managementObjects(mca: McaClient, node: string): Promise<string[]> {
  const addresses = await discover(mca, `${node}?fu=1&ty=13`);
  return addresses.map((address) => address.slice(node.length + 1)).sort();
}
