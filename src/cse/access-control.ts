/**
 * Who may do what to a resource (TS-0001 9.6.2, 9.6.1.3.2, 11.3.4; TS-0004 7.3.3.15). Policies are compiled once per version;
 * as long as they are cached, a decision waits for nothing.
 */
import { enumerations } from '../onem2m/enumerations.ts';
import type { Json, Sender } from '../onem2m/primitive.ts';
import type { Resource } from '../onem2m/resource.ts';
import { compileScheduleEntry } from '../onem2m/schedule-entry.ts';
import type { Window } from '../onem2m/schedule-entry.ts';
import type { Vocabulary } from '../onem2m/vocabulary.ts';
import type { Clock } from '../support/clock.ts';
import { compileRegion, createLocator } from './access-locations.ts';
import type { Location, Locator } from './access-locations.ts';
import { compileAddresses } from './access-addresses.ts';
import { wildcard } from './criteria.ts';
import type { CachedTree } from './resource-tree.ts';
import { resourceTypes as resourceType } from '../onem2m/resource-types.ts';
import type { CseSettings } from './settings.ts';
import { numbersOf, objectOf, stringsOf } from './json-values.ts';

/** Bits of accessControlOperations (TS-0004 6.3.4.2.29). */
export const privilege = Object.freeze({ ...enumerations.accessControlOperations, ALL: 63 });

export interface AccessQuestion {
  originator: string;
  /** One bit of `privilege`. */
  operation: number;
  resource: Resource;
  sender: Sender;
  /** Type and specialization of the child that a CREATE makes. */
  childResourceType?: number;
  /** An UPDATE of accessControlPolicyIDs: the privileges on the policies themselves decide. */
  changesPolicies?: boolean;
}

export interface AccessControl {
  isAllowed(question: AccessQuestion): Promise<boolean>;
  /** The decision when nothing has to be read for it; undefined otherwise. */
  decideNow(question: AccessQuestion): boolean | undefined;
  /** True when the originator is the administrator or has an `<AE>` here. */
  isRegistered(originator: string): Promise<boolean>;
  isRegisteredNow(originator: string): boolean | undefined;
}

interface Rule {
  anyone: boolean;
  names: ReadonlySet<string>;
  patterns: ((originator: string) => boolean)[];
  /** Entries that may be group resources; looked at only when nothing else matched. */
  groups: string[];
  operations: number;
  contexts?: Context[];
  objectDetails?: ObjectDetail[];
  authenticated: boolean;
}

interface Context {
  windows?: Window[];
  addresses?: (address: string | undefined) => boolean;
  region?: (location: Location | undefined) => boolean;
}

interface ObjectDetail {
  resourceType?: number;
  specialization?: Json;
  childResourceTypes: number[];
}

export interface AccessControlOptions {
  tree: CachedTree;
  vocabulary: Vocabulary;
  clock: Clock;
  settings: CseSettings;
}

export function createAccessControl({ tree, vocabulary, clock, settings }: AccessControlOptions): AccessControl {
  const compiled = new WeakMap<Resource, { privileges: Rule[]; selfPrivileges: Rule[] }>();
  const hasPolicies = new Map<string, boolean>();
  const locate = createLocator(settings.locations);

  function rulesOf(policy: Resource, which: 'privileges' | 'selfPrivileges'): Rule[] {
    let rules = compiled.get(policy);
    if (!rules) {
      rules = {
        privileges: compileRules(policy.attributes['privileges'], settings),
        selfPrivileges: compileRules(policy.attributes['selfPrivileges'], settings),
      };
      compiled.set(policy, rules);
    }
    return rules[which];
  }

  function definesPolicies(resource: Resource): boolean {
    const key = `${resource.resourceType}/${resource.mgmtDefinition ?? ''}`;
    let defined = hasPolicies.get(key);
    if (defined === undefined) {
      const definition = vocabulary.definitionOf(resource.resourceType, resource.mgmtDefinition);
      defined = definition?.attributes.some(({ name }) => name === 'accessControlPolicyIDs') ?? false;
      hasPolicies.set(key, defined);
    }
    return defined;
  }

  /** Without looking at any other resource: yes, no, or undecided. */
  function decideAlone(question: AccessQuestion): boolean | undefined {
    const { originator, operation, resource } = question;
    if (originator === settings.adminOriginator) return true;
    if (originator === '') return false;
    if (resource.resourceType === resourceType.REQUEST) {
      // The generated policy of a <request> (TS-0004 7.4.10).
      const own = resource.attributes['originator'] === originator;
      return own && (operation & (privilege.RETRIEVE | privilege.DELETE | privilege.DISCOVERY)) !== 0;
    }
    if (resource.resourceType === resourceType.ACCESS_CONTROL_POLICY) {
      // A policy protects itself.
      return rulesOf(resource, 'selfPrivileges').some((rule) => allows(rule, question)) || undefined;
    }
    if (policiesOf(resource).length === 0 && definesPolicies(resource)) {
      if (resource.resourceType === resourceType.CSE_BASE) return undefined;
      return resource.internal.createdBy === originator;
    }
    return undefined;
  }

  function allows(rule: Rule, question: AccessQuestion): boolean {
    return namesOriginator(rule, question.originator) && holds(rule, question);
  }

  /** Everything but the originator. */
  function holds(rule: Rule, question: AccessQuestion): boolean {
    if ((rule.operations & question.operation) === 0) return false;
    if (rule.authenticated && !question.sender.authenticated) return false;
    if (rule.contexts && !rule.contexts.some((context) => covers(context, question.sender, clock.now(), locate)))
      return false;
    return !rule.objectDetails || rule.objectDetails.some((detail) => concerns(detail, question));
  }

  /** The policies that decide about a resource, or the resource whose policies do. */
  function policyHolder(resource: Resource): { holder: Resource } | { parentID: string } {
    return definesPolicies(resource) || resource.parentID === ''
      ? { holder: resource }
      : { parentID: resource.parentID };
  }

  async function isAllowed(question: AccessQuestion): Promise<boolean> {
    const alone = decideAlone(question);
    if (alone !== undefined) return alone;
    const { resource } = question;
    if (resource.resourceType === resourceType.ACCESS_CONTROL_POLICY) {
      return namedByGroup(rulesOf(resource, 'selfPrivileges'), question);
    }
    const found = policyHolder(resource);
    if ('parentID' in found) {
      const parent = await tree.byId(found.parentID);
      return parent !== undefined && isAllowed({ ...question, resource: parent });
    }
    if (resource.resourceType === resourceType.CSE_BASE && openToRegistered(question)) {
      if (await isRegistered(question.originator)) return true;
    }
    const which = question.changesPolicies ? 'selfPrivileges' : 'privileges';
    const rules: Rule[] = [];
    for (const reference of policiesOf(found.holder)) {
      const policy = await tree.resolve(reference);
      if (policy?.resourceType !== resourceType.ACCESS_CONTROL_POLICY) continue;
      if (await tree.hasEnded(policy, clock.now())) continue;
      rules.push(...rulesOf(policy, which));
    }
    return rules.some((rule) => allows(rule, question)) || namedByGroup(rules, question);
  }

  async function namedByGroup(rules: Rule[], question: AccessQuestion): Promise<boolean> {
    for (const rule of rules) {
      if (rule.groups.length === 0 || !holds(rule, question)) continue;
      for (const reference of rule.groups) {
        const group = await tree.resolve(reference);
        if (group?.resourceType !== resourceType.GROUP) continue;
        for (const member of stringsOf(group.attributes['memberIDs'])) {
          if (stemOf(member, settings) === question.originator) return true;
          const resource = await tree.resolve(member);
          if (resource?.resourceType === resourceType.AE && resource.resourceID === question.originator) return true;
        }
      }
    }
    return false;
  }

  function decideNow(question: AccessQuestion): boolean | undefined {
    const alone = decideAlone(question);
    if (alone !== undefined) return alone;
    const found = policyHolder(question.resource);
    if ('parentID' in found) {
      const parent = tree.peek(found.parentID);
      return parent && decideNow({ ...question, resource: parent });
    }
    if (question.changesPolicies || question.resource.resourceType === resourceType.ACCESS_CONTROL_POLICY) {
      return undefined;
    }
    for (const reference of policiesOf(found.holder)) {
      const policy = tree.peekPath(reference) ?? tree.peek(reference);
      if (policy?.resourceType !== resourceType.ACCESS_CONTROL_POLICY) continue;
      if (tree.peekEnded(policy, clock.now()) !== false) continue;
      if (rulesOf(policy, 'privileges').some((rule) => allows(rule, question))) return true;
    }
    // Only a permission is certain without reading: a policy that is not cached, or a group, may still give one.
    return undefined;
  }

  function isRegisteredNow(originator: string): boolean | undefined {
    if (originator === settings.adminOriginator) return true;
    const resource = tree.peek(originator);
    return resource?.resourceType === resourceType.AE ? tree.peekEnded(resource, clock.now()) === false : undefined;
  }

  async function isRegistered(originator: string): Promise<boolean> {
    if (originator === '') return false;
    if (originator === settings.adminOriginator) return true;
    const resource = await tree.byId(originator);
    return resource?.resourceType === resourceType.AE && !(await tree.hasEnded(resource, clock.now()));
  }

  return { isAllowed, decideNow, isRegistered, isRegisteredNow };
}

/** What tools expect of a CSE: who is registered may look at the CSEBase. */
function openToRegistered({ operation }: AccessQuestion): boolean {
  return (operation & (privilege.RETRIEVE | privilege.DISCOVERY)) !== 0;
}

function policiesOf(resource: Resource): string[] {
  const policies = resource.attributes['accessControlPolicyIDs'];
  return Array.isArray(policies) ? stringsOf(policies) : [];
}

/** `/id-in/CAdmin` and, with our M2M-SP-ID, `//sp/id-in/CAdmin` → `CAdmin`; others as they are. */
export function stemOf(originator: string, settings: Pick<CseSettings, 'cseId' | 'spId'>): string {
  const absolute = settings.spId === undefined ? undefined : `//${settings.spId}${settings.cseId}/`;
  const relative = `${settings.cseId}/`;
  for (const prefix of absolute === undefined ? [relative] : [absolute, relative]) {
    if (originator.startsWith(prefix) && !originator.slice(prefix.length).includes('/')) {
      return originator.slice(prefix.length);
    }
  }
  return originator;
}

function compileRules(set: Json | undefined, settings: CseSettings): Rule[] {
  const list = objectOf(set)['accessControlRule'];
  return Array.isArray(list) ? list.map((rule) => compileRule(objectOf(rule), settings)) : [];
}

function compileRule(rule: { [member: string]: Json }, settings: CseSettings): Rule {
  const names = new Set<string>();
  const patterns: Rule['patterns'] = [];
  const groups: string[] = [];
  let anyone = false;
  for (const entry of stringsOf(rule['accessControlOriginators'])) {
    if (entry === 'all' || entry === '*') anyone = true;
    else if (/^\/\/[^/]+$/.test(entry)) patterns.push(ofDomain(entry, settings));
    else if (entry.includes('*')) patterns.push(wildcard(stemOf(entry, settings)));
    else {
      names.add(stemOf(entry, settings));
      groups.push(entry);
    }
  }
  const contexts = rule['accessControlContexts'];
  const details = rule['accessControlObjectDetails'];
  return {
    anyone,
    names,
    patterns,
    groups,
    operations: Number(rule['accessControlOperations'] ?? 0),
    ...(Array.isArray(contexts) && contexts.length > 0 ? { contexts: contexts.map(compileContext) } : {}),
    ...(Array.isArray(details) && details.length > 0 ? { objectDetails: details.map(compileDetail) } : {}),
    authenticated: rule['accessControlAuthenticationFlag'] === true,
  };
}

/** `//sp`: every originator of that service provider; a CSE-relative one belongs to ours. */
function ofDomain(domain: string, settings: CseSettings): (originator: string) => boolean {
  return (originator) =>
    originator.startsWith(`${domain}/`) || (!originator.startsWith('/') && domain === `//${settings.spId}`);
}

function compileContext(value: Json): Context {
  const context = objectOf(value);
  const windows = stringsOf(context['accessControlWindow']);
  const addresses = objectOf(context['accessControlIpAddresses']);
  const region = objectOf(context['accessControlLocationRegion']);
  const entries = [...stringsOf(addresses['ipv4Addresses']), ...stringsOf(addresses['ipv6Addresses'])];
  return {
    ...(windows.length > 0
      ? { windows: windows.map(compileScheduleEntry).filter((window) => window !== undefined) }
      : {}),
    ...(entries.length > 0 ? { addresses: compileAddresses(entries) } : {}),
    ...(Object.keys(region).length > 0 ? { region: compileRegion(region) } : {}),
  };
}

function covers(context: Context, sender: Sender, now: number, locate: Locator): boolean {
  if (context.region && !context.region(locate(sender.address))) return false;
  if (context.windows && !context.windows.some((window) => window(now))) return false;
  return !context.addresses || context.addresses(sender.address);
}

function compileDetail(value: Json): ObjectDetail {
  const detail = objectOf(value);
  return {
    ...(typeof detail['resourceType'] === 'number' ? { resourceType: detail['resourceType'] } : {}),
    ...(detail['specialization'] === undefined ? {} : { specialization: detail['specialization'] }),
    childResourceTypes: numbersOf(detail['childResourceType']),
  };
}

/** The details say which children may be created, on which type of resource (TS-0001 9.6.2.4). */
function concerns(detail: ObjectDetail, { operation, resource, childResourceType }: AccessQuestion): boolean {
  if (detail.resourceType !== undefined && detail.resourceType !== resource.resourceType) return false;
  if (detail.specialization !== undefined && !isSpecialization(detail.specialization, resource)) return false;
  if (operation !== privilege.CREATE) return true;
  return childResourceType !== undefined && detail.childResourceTypes.includes(childResourceType);
}

function isSpecialization(specialization: Json, resource: Resource): boolean {
  const number = typeof specialization === 'object' ? objectOf(specialization)['mgd'] : specialization;
  return resource.mgmtDefinition !== undefined && Number(number) === resource.mgmtDefinition;
}

function namesOriginator(rule: Rule, originator: string): boolean {
  return rule.anyone || rule.names.has(originator) || rule.patterns.some((matches) => matches(originator));
}
