import { schemeOf } from './credentials.ts';
import type { Account, Scheme } from './credentials.ts';
import type { KeptAccount } from './proofs.ts';
import type { ManagementTree, TreeNode } from './tree.ts';

/** AAuthType of DMAcc (DM Standard Objects 1.2.1, 5.3). */
const authTypes: Readonly<Record<Scheme, string>> = { none: '', basic: 'BASIC', md5: 'DIGEST', hmac: 'HMAC' };

export interface AccountOptions {
  /** Path of the instance of DMAcc. */
  path: string;
  server: string;
  serverId: string;
  username: string;
  password: string;
  scheme: Scheme;
  nonce: Buffer;
  serverPassword: string;
  serverScheme: Scheme;
  serverNonce: Buffer;
}

/** The account of the server with its secrets, as a management object: so a server can change them. */
export function defineAccount(tree: ManagementTree, options: AccountOptions): void {
  const { path, server, serverId } = options;
  const leaf = (name: string, value: string, access = 'GR'): void =>
    void tree.define(`${path}/${name}`, { value, access });
  tree.define(path, { format: 'node', access: 'G', type: 'urn:oma:mo:oma-dm-dmacc:1.0' });
  leaf('AppID', 'w7', 'G');
  leaf('ServerID', serverId, 'G');
  leaf('Name', serverId, 'G');
  tree.define(`${path}/AppAddr`, { format: 'node' });
  leaf('AppAddr/1/Addr', server, 'GR');
  leaf('AppAddr/1/AddrType', 'URI', 'G');
  const auth = (name: string, level: string, scheme: Scheme, who: string, secret: string, nonce: Buffer): void => {
    leaf(`AppAuth/${name}/AAuthLevel`, level, 'G');
    leaf(`AppAuth/${name}/AAuthType`, authTypes[scheme]);
    leaf(`AppAuth/${name}/AAuthName`, who);
    leaf(`AppAuth/${name}/AAuthSecret`, secret, 'R');
    tree.define(`${path}/AppAuth/${name}/AAuthData`, { format: 'bin', value: nonce, access: 'R' });
  };
  auth('client', 'CLCRED', options.scheme, options.username, options.password, options.nonce);
  auth('server', 'SRVCRED', options.serverScheme, serverId, options.serverPassword, options.serverNonce);
}

/** The accounts as they are in the tree now. */
export class Accounts {
  readonly #tree: ManagementTree;
  readonly #path: string;

  constructor(tree: ManagementTree, path: string) {
    this.#tree = tree;
    this.#path = path;
  }

  #leaf(level: 'CLCRED' | 'SRVCRED', name: string): TreeNode | undefined {
    const list = this.#tree.find(`${this.#path}/AppAuth`)?.children?.values() ?? [];
    const found = [...list].find((one) => one.children?.get('AAuthLevel')?.value === level);
    return found?.children?.get(name);
  }

  #kept(level: 'CLCRED' | 'SRVCRED'): KeptAccount | undefined {
    const text = (name: string): string => this.#leaf(level, name)?.value.toString() ?? '';
    const type = text('AAuthType');
    const scheme =
      (Object.keys(authTypes) as Scheme[]).find((one) => authTypes[one] === type) ?? schemeOf(type) ?? 'none';
    const name = text('AAuthName');
    if (name === '' || (level === 'SRVCRED' && scheme === 'none')) return undefined;
    const nonce = this.#leaf(level, 'AAuthData')?.value ?? '';
    return { account: { name, secret: text('AAuthSecret') }, scheme, nonce: Buffer.from(nonce as string) };
  }

  own(): KeptAccount | undefined {
    return this.#kept('CLCRED');
  }

  server(): KeptAccount | undefined {
    return this.#kept('SRVCRED');
  }

  /** What a notification is checked with, also where the server need not prove itself in sessions. */
  forNotifications(): { account: Account; nonce: Buffer } {
    const text = (name: string): string => this.#leaf('SRVCRED', name)?.value.toString() ?? '';
    const nonce = this.#leaf('SRVCRED', 'AAuthData')?.value ?? '';
    return { account: { name: text('AAuthName'), secret: text('AAuthSecret') }, nonce: Buffer.from(nonce as string) };
  }

  /** The scheme that the server has asked for, and the nonce for the next proof. */
  keepOwn(scheme: Scheme, nonce: Buffer | undefined): void {
    const type = this.#leaf('CLCRED', 'AAuthType');
    const data = this.#leaf('CLCRED', 'AAuthData');
    if (type) type.value = authTypes[scheme];
    if (data && nonce) data.value = nonce;
  }

  keepServerNonce(nonce: Buffer): void {
    const data = this.#leaf('SRVCRED', 'AAuthData');
    if (data) data.value = nonce;
  }
}
