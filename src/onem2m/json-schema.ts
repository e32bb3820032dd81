/** JSON Schema (2020-12, as OpenAPI 3.1 uses it) of the wire form of a resource type, made from the attribute tables. */
import type { JsonObject } from './primitive.ts';
import type { AttributeDefinition, ResourceTypeDefinition } from './vocabulary.ts';
import { dataTypeOf } from './data-types.ts';
import type { DataType } from './data-types.ts';
import { selfDefined } from './resource-types.ts';

export type SchemaUse = 'resource' | 'create' | 'update';

/**
 * Schema of what is below the root (`m2m:fwr`): `resource` = as answered, `create` and `update` = what a request may carry.
 * Attributes that the gateway does not implement are left out.
 */
export function jsonSchemaOf(definition: ResourceTypeDefinition, use: SchemaUse = 'resource'): JsonObject {
  const shown = definition.attributes.filter(
    (attribute) => !attribute.unsupported && (use === 'resource' || attribute[use] !== 'NP'),
  );
  const required = shown.filter((attribute) => isRequired(attribute, use)).map((attribute) => attribute.shortName);
  return {
    title: definition.name,
    type: 'object',
    properties: Object.fromEntries(shown.map((attribute) => [attribute.shortName, attributeSchema(attribute, use)])),
    ...(required.length > 0 && { required }),
    additionalProperties: definition.mgmtDefinition === selfDefined,
  };
}

function isRequired({ cardinality, create }: AttributeDefinition, use: SchemaUse): boolean {
  if (use === 'create') return create === 'M';
  return use === 'resource' && cardinality.startsWith('1');
}

function attributeSchema(attribute: AttributeDefinition, use: SchemaUse): JsonObject {
  const type = dataTypeOf(attribute.type);
  if (!type) throw new Error(`the attribute ${attribute.name} has the type '${attribute.type}', which does not exist`);
  let schema = schemaOf(type);
  if (attribute.range) schema = { type: 'integer', minimum: attribute.range[0], maximum: attribute.range[1] };
  if (attribute.cardinality.endsWith('(L)') && type.kind !== 'list') schema = { type: 'array', items: schema };
  if (use === 'update' && attribute.cardinality.startsWith('0..1')) schema = { anyOf: [schema, { type: 'null' }] };
  return { description: attribute.name, ...schema };
}

function schemaOf(type: DataType): JsonObject {
  switch (type.kind) {
    case 'boolean':
      return { type: 'boolean' };
    case 'number':
      return { type: 'number' };
    case 'integer':
      return { type: 'integer', minimum: type.minimum, maximum: type.maximum };
    case 'string':
      return {
        type: 'string',
        ...(type.pattern && { pattern: type.pattern.source }),
        ...(type.minimumLength !== undefined && { minLength: type.minimumLength }),
        ...(type.maximumLength !== undefined && { maxLength: type.maximumLength }),
      };
    case 'enumeration': {
      const values = [...new Set(Object.values(type.values))];
      const named: JsonObject = { type: 'integer', enum: values };
      if (!type.also) return named;
      return { anyOf: [named, { type: 'integer', minimum: type.also[0], maximum: type.also[1] }] };
    }
    case 'list': {
      const items = schemaOfName(type.of);
      const list: JsonObject = {
        type: 'array',
        items,
        ...(type.minimumItems !== undefined && { minItems: type.minimumItems }),
        ...(type.maximumItems !== undefined && { maxItems: type.maximumItems }),
      };
      return type.orSingle ? { anyOf: [list, items] } : list;
    }
    case 'object': {
      const required = type.members.filter((member) => member.required).map((member) => member.shortName);
      return {
        type: 'object',
        properties: Object.fromEntries(
          type.members.flatMap((member) => {
            const schema = { description: member.name, ...schemaOfName(member.type) };
            return member.alias
              ? [
                  [member.shortName, schema],
                  [member.alias, { ...schema, deprecated: true }],
                ]
              : [[member.shortName, schema]];
          }),
        ),
        ...(required.length > 0 && { required }),
        ...(type.choice && { minProperties: 1, maxProperties: 1 }),
        additionalProperties: false,
      };
    }
    case 'any':
      return {};
  }
}

function schemaOfName(name: string): JsonObject {
  const type = dataTypeOf(name);
  if (!type) throw new Error(`there is no data type '${name}'`);
  return schemaOf(type);
}
