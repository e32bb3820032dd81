import { inspectImage } from '../lwm2m/image.ts';
import { CpeFault } from './cpe-fault.ts';
import type { Content } from './envelope.ts';
import { downloadFile, showsCredentials, uploadFile } from './files.ts';
import { isFirmware, uploadContent } from './file-types.ts';
import type { EventEntry } from './outbox.ts';
import { unknownTime, wireTime } from './values.ts';
import type { Workshop } from './workshop.ts';

/** A window of ScheduleDownload, in ms of real time. */
export interface Window {
  start: number;
  end: number;
  /** Repetitions after a failure within the window; -1 as many as fit. */
  retries: number;
}

export interface TransferOrder {
  method: 'Download' | 'Upload' | 'ScheduleDownload';
  commandKey: string;
  fileType: string;
  url: string;
  username: string;
  password: string;
  fileSize: number;
  targetFileName: string;
  /** Seconds on the device. */
  delay: number;
  windows: Window[];
}

interface Transfer extends TransferOrder {
  /** 1 not started, 2 in progress, 3 completed. */
  state: 1 | 2 | 3;
  startTime: string;
  attempts: number;
  abort: AbortController;
  wait: () => void;
}

const most = 16;
const installing = 2;
const betweenAttempts = 5;

/** FaultStruct and the times in their order, or as quirk 27 has them. */
function completion(workshop: Workshop, transfer: Transfer, fault: CpeFault | undefined): Content {
  const { quirks, faults } = workshop;
  const blank = quirks.has(25) || faults.transferComplete === 'without-key';
  const times = {
    StartTime: quirks.has(8) ? '' : transfer.startTime,
    CompleteTime: quirks.has(8) ? '' : wireTime(workshop.now()),
  };
  const code: Record<string, Content> = quirks.has(27) && !fault ? {} : { FaultCode: String(fault?.code ?? 0) };
  const outcome = { FaultStruct: { ...code, FaultString: (fault?.message ?? '').slice(0, 256) } };
  const key = { CommandKey: blank ? '' : transfer.commandKey };
  return quirks.has(27) ? { ...key, ...times, ...outcome } : { ...key, ...outcome, ...times };
}

/** Downloads and uploads that a server has ordered. They survive a reboot and begin anew after it. */
export class Transfers {
  readonly #workshop: Workshop;
  #list: Transfer[] = [];

  constructor(workshop: Workshop) {
    this.#workshop = workshop;
  }

  /** Takes an order; it begins after the session and its delay. Throws 9004 when there are 16. */
  order(order: TransferOrder): void {
    if (this.#list.length >= most) throw new CpeFault(9004, `${most} transfers are queued`);
    const transfer: Transfer = {
      ...order,
      state: 1,
      startTime: unknownTime,
      attempts: 0,
      abort: new AbortController(),
      wait: () => undefined,
    };
    this.#list.push(transfer);
    this.#workshop.afterSession(() => this.#schedule(transfer, order.delay));
  }

  get list(): readonly Readonly<TransferOrder & { state: number }>[] {
    return this.#list;
  }

  forget(): void {
    for (const transfer of this.#list) this.#drop(transfer);
  }

  /** TR-069 A.4.1.9. A transfer that has ended, or that nobody ordered, is refused with 9021. */
  cancel(commandKey: string): void {
    const { faults, journal } = this.#workshop;
    const found = this.#list.filter((one) => one.commandKey === commandKey && one.state !== 3);
    if (found.length === 0) throw new CpeFault(9021, `no transfer ${commandKey} can be cancelled`);
    if (faults.stuckTransfer && found.some((one) => one.state === 2)) throw new CpeFault(9021);
    for (const transfer of found) {
      this.#drop(transfer);
      journal.record({ kind: 'transfer-cancelled', commandKey });
      journal.tell('transfer', `${transfer.method} ${commandKey} was cancelled`);
    }
  }

  #drop(transfer: Transfer): void {
    transfer.wait();
    transfer.abort.abort();
    this.#list = this.#list.filter((one) => one !== transfer);
  }

  #schedule(transfer: Transfer, seconds: number): void {
    if (!this.#list.includes(transfer)) return;
    transfer.state = 1;
    transfer.wait = this.#workshop.later(seconds, () => void this.#run(transfer));
  }

  async #run(transfer: Transfer): Promise<void> {
    const { journal, faults, power } = this.#workshop;
    if (!this.#list.includes(transfer)) return;
    if (!this.#awaitWindow(transfer)) return;
    transfer.state = 2;
    transfer.attempts += 1;
    transfer.startTime = wireTime(this.#workshop.now());
    journal.tell('transfer', `${transfer.method} of ${transfer.fileType} begins`, { progress: 0 });
    if (faults.stuckTransfer) {
      power.addEventListener('abort', () => this.#schedule(transfer, 0), { once: true });
      return;
    }
    try {
      if (faults.transferFailure !== undefined) throw new CpeFault(faults.transferFailure, 'on request');
      const version = await this.#transfer(transfer, AbortSignal.any([transfer.abort.signal, power]));
      this.#complete(transfer, undefined, version);
    } catch (problem) {
      if (transfer.abort.signal.aborted) return;
      // Power went in the middle: begins anew at boot.
      if (power.aborted) return this.#schedule(transfer, 0);
      const fault = problem instanceof CpeFault ? problem : new CpeFault(9002, String(problem));
      if (transfer.windows.length > 0) this.#schedule(transfer, betweenAttempts);
      else this.#complete(transfer, fault);
    }
  }

  /** True when the transfer may begin now; otherwise waits for its window, or ends it with 9020 after the last. */
  #awaitWindow(transfer: Transfer): boolean {
    if (transfer.method !== 'ScheduleDownload') return true;
    const now = Date.now();
    for (;;) {
      const [window] = transfer.windows;
      if (!window) {
        this.#complete(transfer, new CpeFault(9020));
        return false;
      }
      const spent = window.retries >= 0 && transfer.attempts > window.retries;
      if (now <= window.end && !spent) {
        if (now >= window.start) return true;
        this.#schedule(transfer, ((window.start - now) / this.#workshop.scale(1)) * 1.01);
        return false;
      }
      transfer.windows = transfer.windows.slice(1);
      transfer.attempts = 0;
    }
  }

  /** Gives the version of new firmware. */
  async #transfer(transfer: Transfer, signal: AbortSignal): Promise<string | undefined> {
    const { journal, later } = this.#workshop;
    const { url, username, password, commandKey, fileType } = transfer;
    const request = { url, username, password, shows: showsCredentials(this.#workshop), signal };
    if (transfer.method === 'Upload') {
      await uploadFile(request, uploadContent(this.#workshop, fileType));
      journal.record({ kind: 'upload', path: url, commandKey, detail: fileType });
      return undefined;
    }
    let told = -1;
    const file = await downloadFile(request, (octets, total) => {
      const step = total ? Math.floor((octets / total) * 10) : Math.floor(octets / 65_536);
      if (step === told) return;
      told = step;
      journal.tell('transfer', `downloaded ${octets} octets`, { progress: total ? octets / total : undefined });
    });
    journal.record({ kind: 'download', path: url, commandKey, detail: `${fileType}, ${file.length} octets` });
    if (!isFirmware(fileType)) return undefined;
    const image = inspectImage(file);
    if (typeof image === 'string') throw new CpeFault(9018, `the ${image} of the image is wrong`);
    if (image.install === 'fails') throw new CpeFault(9010, 'the image cannot be installed');
    await new Promise<void>((resolve, reject) => {
      const stop = later(installing, resolve);
      signal.addEventListener('abort', () => (stop(), reject(new Error('given up'))), { once: true });
    });
    journal.record({ kind: 'firmware-installed', value: image.version, commandKey });
    return image.version;
  }

  #complete(transfer: Transfer, fault?: CpeFault, version?: string): void {
    const { journal, outbox, faults, quirks, tree, path } = this.#workshop;
    const { method, commandKey, fileType } = transfer;
    transfer.state = 3;
    const firmware = method !== 'Upload' && isFirmware(fileType);
    if (fault && firmware)
      journal.record({ kind: 'firmware-failed', commandKey, fault: fault.code, detail: fault.message });
    journal.tell('transfer', fault ? `${method} failed: ${fault.code} ${fault.message}` : `${method} is complete`, {
      progress: 1,
    });
    const how = faults.transferComplete;
    const done = (): void => void (this.#list = this.#list.filter((one) => one !== transfer));
    if (how === 'never' || how === 'already') done();
    else {
      const hidden = how === 'without-event' || quirks.has(25);
      const events: EventEntry[] = hidden
        ? []
        : [
            { code: '7 TRANSFER COMPLETE', commandKey: '' },
            { code: `M ${method}`, commandKey },
          ];
      const request = { method: 'TransferComplete', content: completion(this.#workshop, transfer, fault), events };
      outbox.request({ ...request, answered: done });
      if (how === 'twice') outbox.request({ ...request });
    }
    if (version === undefined) return this.#workshop.wantSession();
    this.#workshop.reboot('new firmware');
    // While it is down: it is at boot that the new version runs.
    if (faults.keepsOldVersion) return;
    tree.set(path('DeviceInfo.SoftwareVersion'), version);
    tree.set(path('DeviceInfo.AdditionalSoftwareVersion'), version);
  }
}
