// Owns what a JSON Schema says of the members of an object, in words for a table.

export interface SchemaMember {
  name: string;
  kind: string;
  required: boolean;
}

type Loose = Record<string, unknown>;

function isObject(value: unknown): value is Loose {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}

const KINDS_SHOWN = 6;

/** "text", "whole number or null", "one of a, b" …; "any" where the schema leaves it open. */
export function kindSaid(schema: unknown): string {
  if (!isObject(schema)) return schema === false ? "nothing" : "any";
  if ("const" in schema) return JSON.stringify(schema.const);
  if (Array.isArray(schema.enum)) {
    const values = schema.enum.map((value) => (typeof value === "string" ? value : String(value)));
    const shown = values.slice(0, KINDS_SHOWN).join(", ");
    return values.length > KINDS_SHOWN ? `one of ${shown} …` : `one of ${shown}`;
  }
  const types = Array.isArray(schema.type) ? schema.type : schema.type ? [schema.type] : [];
  if (types.length > 0) return types.map((type) => oneKind(String(type), schema)).join(" or ");
  const choices = schema.oneOf ?? schema.anyOf;
  if (Array.isArray(choices)) return [...new Set(choices.map(kindSaid))].join(" or ");
  return "any";
}

function oneKind(type: string, schema: Loose): string {
  if (type === "array")
    return schema.items === undefined ? "list" : `list of ${kindSaid(schema.items)}`;
  return { string: "text", integer: "whole number", boolean: "true or false" }[type] ?? type;
}

/** The members that a schema names, required ones first, otherwise in its order. */
export function schemaMembers(schema: unknown): SchemaMember[] {
  if (!isObject(schema) || !isObject(schema.properties)) return [];
  const required = new Set(Array.isArray(schema.required) ? schema.required : []);
  const members = Object.entries(schema.properties).map(([name, one]) => ({
    name,
    kind: kindSaid(one),
    required: required.has(name),
  }));
  return [...members.filter((one) => one.required), ...members.filter((one) => !one.required)];
}
