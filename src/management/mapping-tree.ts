/** The shape of a mapping file once `schema.json` has accepted it, and the merge of a profile over a class. */
import type { Cardinality, Presence } from '../onem2m/vocabulary.ts';
import type { Technology } from './mapping-types.ts';
import type { ValueType } from './operation.ts';

export type Scalar = string | number | boolean;
export type PerLeg<T> = Partial<Record<Technology, T>>;
export type SourceTree = string | { join: string[]; with: string };

export interface ClassTree {
  mgmtDefinition: number;
  mgmtSchema?: string;
  shortName: string;
  perNode: 'one' | 'many';
  objects: PerLeg<ObjectsTree>;
  exists?: PerLeg<ExistsTree>;
  attributes: Record<string, AttributeTree>;
}

export type ObjectsTree = { none: string } | Record<string, ObjectTree>;

export interface ObjectTree {
  objectID?: string;
  alsoSeenAs?: string[];
  path?: string;
  kinds?: { name: string; path: string; constants?: Record<string, Scalar> }[];
  listed?: boolean;
  create?: 'instance' | 'node';
  fill?: Record<string, Scalar>;
  ownedThrough?: string;
  insteadOf?: string;
  every?: true;
  implied?: true;
}

export interface ExistsTree {
  object?: string | string[];
  when?: { anyInstanceOf: string; in: Scalar[]; ifUnreadable: boolean };
}

export interface AttributeTree extends PerLeg<LegTree> {
  shortName: string;
  type: string;
  range?: [number, number];
  cardinality: Cardinality;
  create: Presence;
  update: Presence;
  originators?: 'device';
  action?: string;
  trigger?: true;
  procedure?: string;
  inputs?: Record<string, string>;
  required?: string[];
  reports?: string;
  whileRunning?: 'CONFLICT' | 'ALLOWED';
  excludes?: string[];
  then?: { refresh: string[] };
  links?: Record<string, { count: '1' | '0..1' | '1..n' | '0..n' } & PerLeg<string>>;
}

export interface LegTree {
  read?: SourceTree | SourceTree[] | Record<string, string>;
  write?: string;
  value?: string;
  set?: Record<string, Scalar>;
  execute?: string;
  rpc?: string;
  object?: string;
  constant?: Scalar;
  held?: string;
  none?: string;
  as?: ValueType;
  unit?: string | Record<string, string>;
  values?: Record<string, Scalar>;
  otherwise?: Scalar;
  list?: 'instances' | 'comma' | 'space' | 'nodes';
  link?: string;
  convert?: string;
  fields?: Record<string, string>;
  inside?: string;
  status?: ({ is: string } & Record<string, Scalar | Scalar[]>)[];
  onlyOneOf?: string;
  by?: 'procedure' | 'trigger';
  accepted?: string;
  repeatable?: boolean;
  unknown?: { read?: Record<string, string>; succeededWhen?: Record<string, Scalar>; restart?: true; report?: string };
}

export interface ProfileTree {
  match: {
    technology: Technology;
    manufacturer?: string;
    model?: string;
    productClass?: string;
    softwareVersion?: string | string[];
    has?: string;
  };
  settings?: ProfileSettings;
  classes?: Record<string, ProfileClassTree>;
}

/** For the leg of the devices. */
export interface ProfileSettings {
  /** How the version that runs after an update is compared with the one that was asked for; missing = `exact`. */
  versionAfterUpdate?: 'exact' | 'prefix' | 'ignore';
  /** Composite operations may be used although the version of the device does not say so; missing = false. */
  composite?: boolean;
  /** TR-069: literals of booleans in SetParameterValues; missing = tried out. */
  booleans?: 'word' | 'digit';
  /** TR-069: messages to the device begin with an XML declaration; missing = false. */
  xmlDeclaration?: boolean;
  /** TR-069: a device that does not show the user name and password of a Download is told an address that needs none; missing = `shown`. */
  downloadCredentials?: 'shown' | 'none';
}

export interface ProfileClassTree {
  objects?: PerLeg<Record<string, ObjectTree>>;
  exists?: PerLeg<ExistsTree>;
  attributes?: Record<string, PerLeg<LegTree>>;
}
