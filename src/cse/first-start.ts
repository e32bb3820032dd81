/** The CSEBase and the administrator's policy: made at the first start, kept true to the settings at every later one. */
import type { Attributes, Resource } from '../onem2m/resource.ts';
import { resourceTypes } from '../onem2m/resource-types.ts';
import { formatTimestamp } from '../onem2m/timestamp.ts';
import { Conflict } from '../store/store.ts';
import { privilege } from './access-control.ts';
import { creationOrder } from './identifiers.ts';
import type { CseParts } from './parts.ts';
import { putOf } from './resource-row.ts';

export const adminPolicyID = 'acpAdmin';

/** The policy must outlive every policy of expiration. */
const forever = '99991231T235959';
const inCse = 1;

/** Throws an Error when the store belongs to a CSE with another name or ID. */
export async function ensureBase(parts: CseParts): Promise<void> {
  const { store, tree, identity } = parts;
  const found = await store.find({
    table: 'resources',
    where: [{ column: 'type', is: '=', value: resourceTypes.CSE_BASE }],
    limit: 1,
  });
  const there = found[0];
  if (there && (there.key !== identity.resourceID || there.columns['path'] !== identity.resourceName)) {
    throw new Error(
      `the store holds the CSEBase '${String(there.columns['path'])}' (${there.key}), not '${identity.resourceName}' ` +
        `(${identity.resourceID}); start with its name and ID, or with another data directory`,
    );
  }
  if (!there) await createBase(parts);
  const base = await tree.byId(identity.resourceID);
  if (!base) throw new Error('the CSEBase could not be read after it was made');
  tree.applied([{ before: base, after: base }]);
  await followAdministrator(parts);
}

/** What the CSEBase says of the gateway; written when it differs, e.g. with the addresses of this start. */
export async function describeBase(parts: CseParts): Promise<void> {
  await parts.change(async (changes) => {
    changes.update(parts.tree.base, descriptionOf(parts));
  });
}

function descriptionOf({ settings, vocabulary, behaviours }: CseParts): Attributes {
  const types = vocabulary.resourceTypes.map(({ resourceType }) => resourceType);
  return {
    cseType: inCse,
    'CSE-ID': settings.cseId,
    supportedResourceType: [...new Set(types)].filter((type) => behaviours.has(type)).sort((a, b) => a - b),
    pointOfAccess: settings.pointOfAccess(),
    contentSerialization: ['application/json'],
    supportedReleaseVersions: ['2a', '3', '4'],
  };
}

async function createBase(parts: CseParts): Promise<void> {
  const { store, clock, identity, settings } = parts;
  const now = clock.now();
  const timestamp = formatTimestamp(now, 3);
  const common = { version: 1, creationTime: timestamp, lastModifiedTime: timestamp };
  const base: Resource = {
    ...common,
    resourceID: identity.resourceID,
    resourceType: resourceTypes.CSE_BASE,
    resourceName: identity.resourceName,
    parentID: '',
    path: identity.resourceName,
    attributes: { accessControlPolicyIDs: [adminPolicyID], ...descriptionOf(parts) },
    internal: { created: creationOrder(now) },
  };
  const policy: Resource = {
    ...common,
    resourceID: adminPolicyID,
    resourceType: resourceTypes.ACCESS_CONTROL_POLICY,
    resourceName: adminPolicyID,
    parentID: identity.resourceID,
    path: `${identity.resourceName}/${adminPolicyID}`,
    expirationTime: forever,
    attributes: {
      privileges: allRightsOf(settings.adminOriginator),
      selfPrivileges: allRightsOf(settings.adminOriginator),
    },
    internal: { created: creationOrder(now), administrator: settings.adminOriginator },
  };
  try {
    await store.commit({
      expect: [base, policy].map(({ resourceID }) => ({ table: 'resources', key: resourceID, version: 0 })),
      put: [putOf(base), putOf(policy)],
    });
  } catch (error) {
    // Another process on the same store was faster.
    if (!(error instanceof Conflict)) throw error;
  }
}

function allRightsOf(originator: string): Attributes {
  return {
    accessControlRule: [{ accessControlOriginators: [originator], accessControlOperations: privilege.ALL }],
  };
}

/** After a change of the setting, the former administrator has no rights by that policy any more. */
async function followAdministrator(parts: CseParts): Promise<void> {
  const { adminOriginator } = parts.settings;
  const policy = await parts.tree.byId(adminPolicyID);
  if (!policy || policy.internal['administrator'] === adminOriginator) return;
  await parts.change(async (changes) => {
    changes.update(
      policy,
      { privileges: allRightsOf(adminOriginator), selfPrivileges: allRightsOf(adminOriginator) },
      { administrator: adminOriginator },
    );
  });
}
