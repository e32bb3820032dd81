import type { Workshop } from './workshop.ts';

/** Configuration service providers of Windows that a gateway can use; sources in mappings/profiles/windows.yaml. */
export function defineWindows(workshop: Workshop, path: string): void {
  const { tree } = workshop;
  tree.define('./DevDetail/Ext/Microsoft/DeviceName', { value: 'DESKTOP-1', access: 'GR' });
  tree.define('./DevDetail/Ext/Microsoft/TotalRAM', { format: 'int', value: 8192 });
  tree.define(`${path}/DeviceStatus/Battery/EstimatedChargeRemaining`, { format: 'int', value: 80 });
  tree.define(`${path}/DeviceStatus/Battery/Status`, { format: 'int', value: 1 });
  tree.define(`${path}/Reboot/RebootNow`, {
    format: 'null',
    access: 'EG',
    run() {
      workshop.afterSession(() => workshop.restart('asked by the server'));
      return 200;
    },
  });
  tree.define(`${path}/RemoteWipe/doWipe`, {
    access: 'EG',
    run() {
      workshop.afterSession(() => workshop.factoryReset());
      return 200;
    },
  });
}
