/**
 * A JSON Schema checker: the part of draft 2020-12 that the schemas in schemas/ use. Results are
 * checked with it when they are read, and by tests when they are written.
 *
 * A keyword that it does not know throws, so that a schema cannot promise what nothing checks.
 */

type Schema = Record<string, unknown>;

/** Keywords that say nothing about validity. */
const ANNOTATIONS = new Set(["$schema", "$defs", "title", "description"]);

/**
 * What is wrong with `value`, one line per finding with its place; empty when it fits the schema.
 */
export function schemaErrors(schema: Schema, value: unknown): string[] {
  return check(schema, schema, value, "$");
}

/** Finds fault with fields that the schema does not know. */
const UNKNOWN_FIELD = " is not in the schema";

/** The same, except that fields which the schema does not know are left alone. */
export function schemaErrorsOfKnown(schema: Schema, value: unknown): string[] {
  return schemaErrors(schema, value).filter((error) => !error.endsWith(UNKNOWN_FIELD));
}

type Checker = (argument: never, value: unknown, place: string, context: Context) => string[];

interface Context {
  root: Schema;
  schema: Schema;
}

const CHECKERS: Record<string, Checker> = {
  $ref: (path: string, value, place, { root }) => check(root, resolve(root, path), value, place),
  type: (types: string | string[], value, place) =>
    [types].flat().some((type) => isOfType(type, value))
      ? []
      : [`${place}: ${JSON.stringify(value)} is not ${[types].flat().join(" or ")}`],
  const: (wanted: unknown, value, place) => (value === wanted ? [] : [`${place}: not ${wanted}`]),
  enum: (wanted: unknown[], value, place) =>
    wanted.includes(value) ? [] : [`${place}: ${JSON.stringify(value)} is not one of ${wanted}`],
  minimum: (minimum: number, value, place) =>
    typeof value === "number" && value < minimum ? [`${place}: ${value} < ${minimum}`] : [],
  minItems: (count: number, value, place) =>
    Array.isArray(value) && value.length < count ? [`${place}: fewer than ${count} items`] : [],
  maxItems: (count: number, value, place) =>
    Array.isArray(value) && value.length > count ? [`${place}: more than ${count} items`] : [],
  items: (schema: Schema, value, place, { root }) =>
    Array.isArray(value)
      ? value.flatMap((item, i) => check(root, schema, item, `${place}[${i}]`))
      : [],
  required: (names: string[], value, place) =>
    isObject(value)
      ? names.filter((name) => !(name in value)).map((name) => `${place}: ${name} is missing`)
      : [],
  properties: (schemas: Record<string, Schema>, value, place, { root }) =>
    isObject(value)
      ? Object.entries(schemas).flatMap(([name, schema]) =>
          name in value ? check(root, schema, value[name], `${place}.${name}`) : [],
        )
      : [],
  additionalProperties: (rest: boolean | Schema, value, place, { root, schema }) => {
    if (!isObject(value)) return [];
    const known = Object.keys((schema.properties as Schema | undefined) ?? {});
    const others = Object.keys(value).filter((name) => !known.includes(name));
    if (rest === false) return others.map((name) => `${place}: ${name}${UNKNOWN_FIELD}`);
    if (rest === true) return [];
    return others.flatMap((name) => check(root, rest, value[name], `${place}.${name}`));
  },
};

function check(root: Schema, schema: Schema, value: unknown, place: string): string[] {
  return Object.entries(schema).flatMap(([keyword, argument]) => {
    if (ANNOTATIONS.has(keyword)) return [];
    const checker = CHECKERS[keyword];
    if (checker === undefined) throw new Error(`${place}: keyword ${keyword} is not supported`);
    return checker(argument as never, value, place, { root, schema });
  });
}

/** `#/$defs/name`; definitions of another file must have been put into `root`. */
function resolve(root: Schema, path: string): Schema {
  let found: unknown = root;
  for (const name of path.replace(/^.*#/, "").split("/").slice(1)) found = (found as Schema)[name];
  if (!isObject(found)) throw new Error(`${path} is not in the schema`);
  return found;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isOfType(type: string, value: unknown): boolean {
  switch (type) {
    case "object":
      return isObject(value);
    case "array":
      return Array.isArray(value);
    case "null":
      return value === null;
    case "integer":
      return Number.isInteger(value);
    case "number":
      return typeof value === "number" && Number.isFinite(value);
    case "string":
    case "boolean":
      return typeof value === type;
    default:
      throw new Error(`type ${type} is not supported`);
  }
}
