/** Methods on parameters: Get/SetParameterValues, GetParameterNames, Get/SetParameterAttributes (TR-069 A.3.2). */
import { childOf, textIn, type Element } from '../soap.ts';
import type { ParameterValue } from '../values.ts';
import { Xml, xml } from '../xml.ts';
import { arrayOf, booleanIn, countIn, listIn, method, statusIn, wordIn } from './method.ts';

export interface ParameterName {
  name: string;
  /** Advisory: CPEs are wrong about it (quirk 24). */
  writable: boolean;
}

export interface ParameterAttributes {
  name: string;
  /** 0 off, 1 passive, 2 active, 3–6 lightweight. */
  notification: number;
  accessList: string[];
}

export interface AttributeChange {
  name: string;
  notification?: number;
  accessList?: string[];
}

export const parameterMethods = {
  GetParameterValues: method(
    ({ names }: { names: readonly string[] }) => namesArray(names),
    (response) => ({ values: readParameterValues(response) }),
  ),
  SetParameterValues: method(
    ({ values, parameterKey }: { values: readonly ParameterValue[]; parameterKey: string }) => {
      const list = values.map(
        ({ name, value, type }) =>
          xml`<ParameterValueStruct><Name>${name}</Name><Value xsi:type="${qualified(type)}">${value}</Value></ParameterValueStruct>`,
      );
      return xml`${arrayOf('ParameterList', 'cwmp:ParameterValueStruct', list)}<ParameterKey>${parameterKey}</ParameterKey>`;
    },
    (response) => ({ status: statusIn(response) }),
  ),
  GetParameterNames: method(
    ({ path, nextLevel }: { path: string; nextLevel: boolean }) =>
      xml`<ParameterPath>${path}</ParameterPath><NextLevel>${nextLevel ? 1 : 0}</NextLevel>`,
    (response) => ({
      names: listIn(response, 'ParameterList').flatMap((entry): ParameterName[] => {
        const name = wordIn(entry, 'Name');
        return name === '' ? [] : [{ name, writable: booleanIn(entry, 'Writable') ?? false }];
      }),
    }),
  ),
  SetParameterAttributes: method(
    ({ changes }: { changes: readonly AttributeChange[] }) =>
      arrayOf('ParameterList', 'cwmp:SetParameterAttributesStruct', changes.map(attributeChange)),
    () => ({}),
  ),
  GetParameterAttributes: method(
    ({ names }: { names: readonly string[] }) => namesArray(names),
    (response) => ({
      attributes: listIn(response, 'ParameterList').flatMap((entry): ParameterAttributes[] => {
        const name = wordIn(entry, 'Name');
        if (name === '') return [];
        const accessList = listIn(entry, 'AccessList').map(({ text }) => text.trim());
        return [{ name, notification: countIn(entry, 'Notification') ?? 0, accessList }];
      }),
    }),
  ),
};

/**
 * Values of a ParameterList, as in Inform and in GetParameterValuesResponse. A value is never trimmed, a name is; a struct
 * without a value has the value '' (quirk 7).
 */
export function readParameterValues(element: Element): ParameterValue[] {
  return listIn(element, 'ParameterList').flatMap((entry): ParameterValue[] => {
    const name = wordIn(entry, 'Name');
    if (name === '') return [];
    return [{ name, value: textIn(entry, 'Value') ?? '', type: childOf(entry, 'Value')?.type ?? '' }];
  });
}

function namesArray(names: readonly string[]): Xml {
  return arrayOf(
    'ParameterNames',
    'xsd:string',
    names.map((name) => xml`<string>${name}</string>`),
  );
}

/** `base64` is a type of SOAP, all others are of XML Schema. */
function qualified(type: string): string {
  return type === 'base64' ? 'soap-enc:base64' : `xsd:${type}`;
}

function attributeChange({ name, notification, accessList }: AttributeChange): Xml {
  const list = arrayOf(
    'AccessList',
    'xsd:string',
    (accessList ?? []).map((entity) => xml`<string>${entity}</string>`),
  );
  return xml`<SetParameterAttributesStruct><Name>${name}</Name><NotificationChange>${notification === undefined ? 0 : 1}</NotificationChange><Notification>${notification ?? 0}</Notification><AccessListChange>${accessList ? 1 : 0}</AccessListChange>${list}</SetParameterAttributesStruct>`;
}
