import type * as Schema from "effect/Schema"
import * as SchemaAST from "effect/SchemaAST"
import { judge } from "./jsonMeaning.ts"

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

/** The union of what some schemas describe. */
export type TypeOf<Members extends ReadonlyArray<TaggedSchema>> = Members[number]["Type"]

/** The schemas by tag. Two with one tag, and one whose JSON has two meanings, are mistakes in the program and throw. */
export const byTag = <Members extends ReadonlyArray<TaggedSchema>>(
  name: string,
  what: string,
  members: Members
): ReadonlyMap<TypeOf<Members>["_tag"], Schema.Codec<TypeOf<Members>, Tagged>> => {
  const map = new Map<TypeOf<Members>["_tag"], Schema.Codec<TypeOf<Members>, Tagged>>()
  for (const member of members) {
    const ast = member.fields._tag.ast
    if (!SchemaAST.isLiteral(ast) || typeof ast.literal !== "string") {
      throw new Error(`${name}: the _tag of each of its ${what} must be one literal string`)
    }
    if (map.has(ast.literal)) throw new Error(`${name}: two of its ${what} have the same tag "${ast.literal}"`)
    judge(`${name}, ${what} ${ast.literal}`, member)
    map.set(ast.literal, member)
  }
  return map
}
