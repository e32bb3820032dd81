/** ChangeDUState: install, update and uninstall deployment units (TR-069 A.4.1.10). */
import { optional, Xml, xml } from '../xml.ts';
import { method } from './method.ts';

export type DeploymentOperation =
  | { operation: 'install'; url: string; uuid?: string; username?: string; password?: string; environment?: string }
  | { operation: 'update'; uuid?: string; version?: string; url?: string; username?: string; password?: string }
  | { operation: 'uninstall'; uuid: string; version?: string; environment?: string };

export const deploymentMethods = {
  ChangeDUState: method(
    ({ operations, commandKey }: { operations: readonly DeploymentOperation[]; commandKey: string }) =>
      xml`${operationsXml(operations)}<CommandKey>${commandKey}</CommandKey>`,
    () => ({}),
  ),
};

/** One element `Operations` per operation, told apart by xsi:type. */
function operationsXml(operations: readonly DeploymentOperation[]): Xml[] {
  return operations.map((one) => {
    switch (one.operation) {
      case 'install':
        return xml`<Operations xsi:type="cwmp:InstallOpStruct"><URL>${one.url}</URL><UUID>${one.uuid ?? ''}</UUID><Username>${one.username ?? ''}</Username><Password>${one.password ?? ''}</Password><ExecutionEnvRef>${one.environment ?? ''}</ExecutionEnvRef></Operations>`;
      case 'update':
        return xml`<Operations xsi:type="cwmp:UpdateOpStruct"><UUID>${one.uuid ?? ''}</UUID>${optional('Version', one.version)}<URL>${one.url ?? ''}</URL><Username>${one.username ?? ''}</Username><Password>${one.password ?? ''}</Password></Operations>`;
      case 'uninstall':
        return xml`<Operations xsi:type="cwmp:UninstallOpStruct"><UUID>${one.uuid}</UUID>${optional('Version', one.version)}${optional('ExecutionEnvRef', one.environment)}</Operations>`;
    }
  });
}
