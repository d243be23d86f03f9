import * as Predicate from "effect/Predicate"
import type * as Schema from "effect/Schema"
import * as SchemaAST from "effect/SchemaAST"
import { judge } from "./json/jsonMeaning.ts"

/** What every command, event and error has: a `_tag` that names its kind. */
export interface Tagged {
  readonly _tag: string
}

/**
 * A schema of one kind of command, event or error, such as a
 * `Schema.TaggedStruct`, a `Schema.TaggedClass` or a `Schema.TaggedError`.
 */
export interface TaggedSchema extends Schema.Codec<Tagged, Tagged> {
  readonly fields: { readonly _tag: Schema.Constraint }
}

/** A schema of anything. */
export type AnySchema = Schema.Codec<unknown, unknown>

/** The union of what some schemas, or chains of versions, describe. */
export type TypeOf<Members extends ReadonlyArray<{ readonly Type: Tagged }>> = Members[number]["Type"]

/** The tag of what a schema describes. */
export const tagOf = (name: string, what: string, schema: AnySchema): string => {
  const ast = isTagged(schema) ? schema.fields._tag.ast : undefined
  if (ast !== undefined && SchemaAST.isLiteral(ast) && typeof ast.literal === "string") return ast.literal
  throw new Error(`${name}: the _tag of each of its ${what} must be one literal string`)
}

const isTagged = (schema: AnySchema): schema is TaggedSchema =>
  Predicate.hasProperty(schema, "fields") && Predicate.hasProperty(schema.fields, "_tag")

/** The schemas by tag. Two with one tag, and one whose JSON has two meanings, are mistakes in the program and throw. */
export const byTag = <Members extends ReadonlyArray<TaggedSchema>>(
  name: string,
  what: string,
  members: Members
): ReadonlyMap<TypeOf<Members>["_tag"], Schema.Codec<TypeOf<Members>, Tagged>> => {
  const map = new Map<TypeOf<Members>["_tag"], Schema.Codec<TypeOf<Members>, Tagged>>()
  for (const member of members) {
    const tag = tagOf(name, what, member)
    if (map.has(tag)) throw new Error(`${name}: two of its ${what} have the same tag "${tag}"`)
    judge(`${name}, ${what} ${tag}`, member)
    map.set(tag, member)
  }
  return map
}
