/** What a caller may see of a view: which records, and which fields. */
import { type Api, type Policy, Query } from "@hexfold/core"
import { QueryEvaluation } from "@hexfold/core/adapter"
import { Effect, type Schema } from "effect"
import { Forbidden, type Unauthenticated } from "../errors.ts"
import { admittedWith, mayRead } from "./admission.ts"
import { type AnyView, pathIn } from "./declared.ts"

/** What a caller may see of a view. */
export interface Visible {
  /** The records; all of them without a filter. */
  readonly rows: Query.Filter | undefined
  /** The fields that the caller may not see. */
  readonly hidden: ReadonlyArray<Query.Path>
}

/** A view with its rules, read once. */
export interface Guarded {
  readonly view: AnyView
  readonly rules: Policy.AnyViewRules
  readonly fields: ReadonlyArray<{ readonly path: Query.Path; readonly rule: Policy.AnyRule }>
}

/** A view with its rules. */
export const guardedOf = (view: AnyView, { rules }: Api.Any): Guarded => {
  const own = rules.views.get(view.name)!
  const fields = Object.entries(own.fields ?? {}).flatMap(([text, rule]) =>
    rule === undefined ? [] : [{ path: pathIn(view, text), rule }]
  )
  return { view, rules: own, fields }
}

/** What a caller may see of a view. Fails if that is nothing at all. */
export const visibleTo = (
  { fields, rules, view }: Guarded,
  caller: Policy.Caller | undefined
): Effect.Effect<Visible, Forbidden | Unauthenticated> =>
  Effect.map(admittedWith(rules.read, caller, `read ${view.name}`, undefined), () => ({
    rows: rowsOf(view, rules, caller),
    hidden: fields.flatMap(({ path, rule }) => (mayRead(rule, caller) ? [] : [path]))
  }))

const rowsOf = (
  view: AnyView,
  { publicRows, rows }: Policy.AnyViewRules,
  caller: Policy.Caller | undefined
): Query.Filter | undefined => {
  if (caller !== undefined) return rows && filterOf(view, (filters) => rows(caller, filters))
  if (publicRows !== undefined) return filterOf(view, publicRows)
  return rows && nothing
}

const nothing: Query.Filter = { _tag: "Or", filters: [] }

const filterOf = (view: AnyView, where: (filters: never) => Query.Filter): Query.Filter =>
  Query.from(view, { where: where as (filters: unknown) => Query.Filter }).where!

/** A query for the records that the caller may see. Fails if it names a field that the caller may not see. */
export const restricted = <Q extends Query.Query | Query.Groups>(
  view: AnyView,
  query: Q,
  visible: Visible
): Effect.Effect<Q, Forbidden> =>
  Effect.map(visibleFields(view, pathsOf(query), visible), () => {
    const { rows } = visible
    if (rows === undefined) return query
    const where = query.where === undefined ? rows : ({ _tag: "And", filters: [rows, query.where] } as const)
    return { ...query, where }
  })

/** Fails if the caller may not see one of these fields. */
export const visibleFields = (
  view: AnyView,
  paths: ReadonlyArray<Query.Path>,
  { hidden }: Visible
): Effect.Effect<void, Forbidden> => {
  if (hidden.length === 0) return Effect.void
  const path = paths.find((path) => hidden.some((each) => isWithin(path, each)))
  return path === undefined ? Effect.void : Effect.fail(new Forbidden({ what: `read ${view.name}.${path.join(".")}` }))
}

const isWithin = (path: Query.Path, outer: Query.Path): boolean =>
  path.length >= outer.length && outer.every((name, i) => path[i] === name)

const pathsOf = (query: Query.Query | Query.Groups): ReadonlyArray<Query.Path> => [
  ...(query.where === undefined ? [] : pathsIn(query.where)),
  ...(query._tag === "Records"
    ? [...query.orderBy.map(({ path }) => path), ...(query.select ?? [])]
    : [...query.by, ...Object.values(query.values).flatMap((value) => ("path" in value ? [value.path] : []))])
]

const pathsIn = (filter: Query.Filter): ReadonlyArray<Query.Path> => {
  switch (filter._tag) {
    case "And":
    case "Or":
      return filter.filters.flatMap(pathsIn)
    case "Not":
      return pathsIn(filter.filter)
    default:
      return [filter.path]
  }
}

/** Whether the caller may see a record. */
export const isVisible = (view: AnyView, key: string, state: Schema.Json, { rows }: Visible): boolean =>
  rows === undefined ||
  QueryEvaluation.runCount(QueryEvaluation.prepared(view, { _tag: "Count", view: view.name, where: rows }), [
    { key, state }
  ]) === 1

/** A state without the fields that the caller may not see. */
export const shownState = (state: Schema.Json, { hidden }: Visible): Schema.Json => hidden.reduce(without, state)

const without = (value: Schema.Json, [name, ...rest]: Query.Path): Schema.Json => {
  if (name === undefined || typeof value !== "object" || value === null || Array.isArray(value)) return value
  const members = value as { readonly [name: string]: Schema.Json }
  if (!Object.hasOwn(members, name)) return value
  const { [name]: own, ...others } = members
  return rest.length === 0 ? others : { ...members, [name]: without(own!, rest) }
}
