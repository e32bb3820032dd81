/** The commands of `<mgmtCmd>` as `mappings/commands.yaml` has them: what each becomes on every leg, and what faults mean. */
import type { Technology } from './mapping-types.ts';
import type { Cause } from './outcome.ts';
import { legOf } from './translation-values.ts';

export interface CommandTable {
  readonly commands: Readonly<Record<string, CommandRow>>;
  readonly results: {
    /** Fault code of a CPE → execResult. */
    readonly cwmp: Readonly<Record<string, number>>;
    /** Cause of a failure that has no code of its own → execResult. */
    readonly causes?: Readonly<Partial<Record<Cause, number>>>;
  };
}

export interface CommandRow extends Readonly<Record<Technology, CommandLeg>> {
  /** TS-0004 6.3.4.2.13. */
  readonly cmdType: number;
  /** Member of execReqArgs that fits: `download`. */
  readonly execReqArgs: string;
  readonly shortName: string;
  /** True: a device that has accepted it can be asked to stop. */
  readonly cancellable: boolean;
  readonly arguments: Readonly<Record<string, CommandArgument>>;
  /** Classes whose management objects are read again once it is done. */
  readonly refresh?: readonly string[];
}

export interface CommandArgument {
  readonly shortName: string;
  readonly type: string;
  readonly required?: boolean;
}

/** What a command becomes on one leg: one of `none`, `rpc`, `procedure` and `execute`. */
export interface CommandLeg {
  /** Why the leg has no such command. */
  readonly none?: string;
  readonly rpc?: string;
  /** The operation of an RPC that has several. */
  readonly struct?: string;
  readonly procedure?: string;
  /** Path of the object that the procedure works on; `{name}` takes any instance. */
  readonly object?: string;
  /** Of the management object whose root `{mo}` in `object` and `execute` is (OMA DM). */
  readonly objectID?: string;
  /** Input of the procedure → argument. */
  readonly inputs?: Readonly<Record<string, string>>;
  /** Argument → the one value that the leg can do, compared by its first word. */
  readonly only?: Readonly<Record<string, string>>;
  readonly execute?: string;
  /** Argument of the RPC → argument of the command, or `anyArg.<name>`. */
  readonly arguments?: Readonly<Record<string, string>>;
  /** Argument of the command → why the leg has no use for it. */
  readonly ignored?: Readonly<Record<string, string>>;
  /** What the end of it looks like, for people. */
  readonly completed?: string;
  /** `restart`: the device coming back proves that it was done; `report`: the device names it when it is done. */
  readonly unknown?: { readonly restart?: true; readonly report?: string };
  readonly cancel?: string;
}

/** Without mapping files. */
export const noCommands: CommandTable = Object.freeze({ commands: {}, results: { cwmp: {} } });

export function commandOf(table: CommandTable, cmdType: number): { name: string; row: CommandRow } | undefined {
  const found = Object.entries(table.commands).find(([, row]) => row.cmdType === cmdType);
  return found && { name: found[0], row: found[1] };
}

/** Undefined: the technology of no leg that the mappings know. */
export function legOfCommand(row: CommandRow, technology: string): CommandLeg | undefined {
  const leg = legOf(technology);
  return leg && row[leg];
}
