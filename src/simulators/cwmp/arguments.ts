import type { XmlElement } from './xml.ts';

/** Arguments of an RPC by their names, `TimeWindowList.TimeWindowStruct.WindowStart` further down; `xsi:type` of a structure stands under its own name. */
export function argumentsOf(rpc: XmlElement): Record<string, string> {
  const found: Record<string, string> = {};
  const walk = (element: XmlElement, path: string): void => {
    if (element.children.length === 0) found[path] = element.text;
    else if (element.attributes['type']) found[path] = element.attributes['type'].replace(/^.*:/, '');
    for (const child of element.children) walk(child, `${path}.${child.local}`);
  };
  for (const child of rpc.children) walk(child, child.local);
  return found;
}
