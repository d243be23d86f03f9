import type * as Schema from "effect/Schema"

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
