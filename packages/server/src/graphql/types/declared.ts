/** The names in GraphQL of what an API declares. They are made of the declaration alone. */
import { SchemaAST } from "effect"
import { nameOf, upperFirst } from "./names.ts"
import type { AnySchema } from "./schemas.ts"

/**
 * The name of something that belongs to an aggregate: the name of the aggregate and its own, which is the tag unless the
 * schema has another identifier. A name that begins with that of the aggregate stays as it is.
 */
export const ownName = (aggregate: string, tag: string, schema: AnySchema): string => {
  const identifier = SchemaAST.resolveIdentifier(schema.ast)
  const name = identifier ?? tag
  return name.startsWith(aggregate) && name.length > aggregate.length ? nameOf(name) : `${aggregate}${upperFirst(name)}`
}

/** The name of a schema that has one, or another one. */
export const identifierOf = (schema: AnySchema, otherwise: string): string =>
  nameOf(SchemaAST.resolveIdentifier(schema.ast) ?? otherwise)
