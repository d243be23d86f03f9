import { Schema } from "effect"

/** The JSON Schema of a state as a document of its own. A schema that has none is that of any JSON. */
export const schemaOf = (schema: Schema.Codec<unknown, unknown>): Schema.JsonObject => {
  try {
    const { definitions, schema: own } = Schema.toJsonSchemaDocument(schema)
    // Effect makes JSON Schemas of JSON alone.
    return (Object.keys(definitions).length > 0 ? { ...own, $defs: definitions } : own) as Schema.JsonObject
  } catch {
    // The states of the histories are compared all the same.
    return {}
  }
}
