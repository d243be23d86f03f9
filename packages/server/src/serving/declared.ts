/** The members of an API as a front needs them: by name, and with the schemas that the compiler knows no types of. */
import { type Aggregate, type Api, type Boundary, Query, type View } from "@hexfold/core"
import { type Schema, SchemaAST } from "effect"

type Tagged = Aggregate.Tagged

/** An aggregate whose types are not known. */
export type AnyAggregate = Aggregate.Untyped

/** A boundary whose types are not known. */
export type AnyBoundary = Boundary.Untyped

/** A view whose types are not known. */
export type AnyView = View.View<string, unknown, Tagged, never>

/** The members of an API, by name. */
export interface Members {
  readonly aggregates: ReadonlyMap<string, AnyAggregate>
  readonly boundaries: ReadonlyMap<string, AnyBoundary>
  readonly views: ReadonlyMap<string, AnyView>
}

/** The members of an API. `Aggregate.make`, `Boundary.make` and `View.make` have made them, so they have the schemas. */
export const membersOf = ({ aggregates, boundaries, views }: Api.Any): Members => ({
  aggregates: byName(aggregates as ReadonlyArray<unknown> as ReadonlyArray<AnyAggregate>),
  boundaries: byName(boundaries as ReadonlyArray<unknown> as ReadonlyArray<AnyBoundary>),
  views: byName(views as ReadonlyArray<unknown> as ReadonlyArray<AnyView>)
})

const byName = <Member extends { readonly name: string }>(
  members: ReadonlyArray<Member>
): ReadonlyMap<string, Member> => new Map(members.map((member) => [member.name, member]))

/** The fields of a tagged struct or class, without its tag. */
export const fieldsOf = (
  schema: Schema.Codec<unknown, unknown>
): Readonly<Record<string, Schema.Codec<unknown, unknown>>> => {
  const { _tag: _, ...fields } = allFieldsOf(schema)
  return fields
}

/** The tag of a boundary's command. */
export const tagOf = ({ command, name }: AnyBoundary): string => {
  const ast = allFieldsOf(command)["_tag"]?.ast
  if (ast !== undefined && SchemaAST.isLiteral(ast) && typeof ast.literal === "string") return ast.literal
  throw new Error(`the command of ${name} has no literal _tag`)
}

// Structs and classes know their fields, and everything with a tag is one of them.
const allFieldsOf = (
  schema: Schema.Codec<unknown, unknown>
): Readonly<Record<string, Schema.Codec<unknown, unknown>>> =>
  (schema as { readonly fields?: Readonly<Record<string, Schema.Codec<unknown, unknown>>> }).fields ?? {}

/**
 * The names of a path that is written with dots. Names may contain dots themselves, which only the schema of the state can
 * tell. Throws an `Error` if the state has no such field.
 */
export const pathIn = (view: AnyView, text: string): Query.Path =>
  Query.from(view, { select: [text as never] }).select![0]!
