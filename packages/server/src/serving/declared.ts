/** The members of an API as a front needs them: by name, and with the schemas that the compiler knows no types of. */
import type { Aggregate, Api, Boundary, View } from "@hexfold/core"
import { SchemaAST } from "effect"

type Tagged = Aggregate.Tagged

/** An aggregate whose types are not known. */
export type AnyAggregate = Aggregate.Aggregate<string, unknown, unknown, Tagged, Tagged, unknown>

/** A boundary whose types are not known. */
export type AnyBoundary = Boundary.Boundary<string, Tagged, unknown, Tagged, unknown>

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

/** The tag of a boundary's command. */
export const tagOf = ({ command, name }: AnyBoundary): string => {
  const { fields } = command as unknown as { readonly fields?: { readonly _tag?: { readonly ast: SchemaAST.AST } } }
  const ast = fields?._tag?.ast
  if (ast !== undefined && SchemaAST.isLiteral(ast) && typeof ast.literal === "string") return ast.literal
  throw new Error(`the command of ${name} has no literal _tag`)
}
