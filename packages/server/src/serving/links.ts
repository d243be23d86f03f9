/** Records with the records of other views to which they lead. */
import type { Api, Policy, Query, ViewStore } from "@hexfold/core"
import { Effect, type Schema } from "effect"
import { InvalidRequest } from "../errors.ts"
import { membersOf, pathIn } from "./declared.ts"
import type { ReadFailure, Views } from "./views.ts"

/** A record with the records to which its links lead, by the names of the links. A record that the caller may not see is null, as is a missing one. */
interface LinkedRow extends Query.Row<Schema.Json> {
  readonly links: Readonly<Record<string, { readonly key: string; readonly state: Schema.Json } | null>>
}

/** What adds linked records. */
export interface Links {
  /** Whether records of a view can be given with these links. */
  readonly check: (view: string, names: ReadonlyArray<string>) => Effect.Effect<void, InvalidRequest>
  /** Rows with the records of the links. For each link there is one read, however many rows there are. */
  readonly add: (
    view: string,
    names: ReadonlyArray<string>,
    rows: ReadonlyArray<Query.Row<Schema.Json>>,
    caller: Policy.Caller | undefined
  ) => Effect.Effect<ReadonlyArray<LinkedRow>, ReadFailure, ViewStore.ViewStore>
}

/** A link between views, by their names. */
export interface Link {
  readonly as: string
  readonly from: string
  readonly to: string
  /** The field that holds the key. */
  readonly path: Query.Path
}

/** The links of an API. */
export const linksIn = (api: Api.Any): ReadonlyArray<Link> => {
  const { views } = membersOf(api)
  return api.links.map(({ as, from, path, to }) => ({
    as,
    from: from.name,
    to: to.name,
    path: pathIn(views.get(from.name)!, path)
  }))
}

export const linksOf = (api: Api.Any, views: Views): Links => {
  const links = linksIn(api)
  const find = (view: string, name: string) => links.find(({ as, from }) => from === view && as === name)
  return {
    check: (view, names) => {
      const unknown = names.find((name) => find(view, name) === undefined)
      return unknown === undefined
        ? Effect.void
        : Effect.fail(new InvalidRequest({ part: "with", detail: `${view} has no link ${unknown}` }))
    },
    add: (view, names, rows, caller) =>
      Effect.map(
        Effect.forEach(names, (name) =>
          Effect.gen(function* () {
            const { path, to } = find(view, name)!
            const keys = rows.map(({ state }) => keyAt(state, path))
            const wanted = [...new Set(keys.filter((key) => key !== undefined))]
            const found = yield* views.records({ caller, view: to, keys: wanted })
            return { name, keys, found }
          })
        ),
        (all) =>
          rows.map((row, i) => ({
            ...row,
            links: Object.fromEntries(
              all.map(({ found, keys, name }) => {
                const key = keys[i]
                const state = key === undefined ? undefined : found.get(key)
                return [name, key === undefined || state === undefined ? null : { key, state }]
              })
            )
          }))
      )
  }
}

/** The key that a field holds. A field that was not selected, or that the caller may not see, leads nowhere. */
export const keyAt = (state: Schema.Json, path: Query.Path): string | undefined => {
  let value: Schema.Json | undefined = state
  for (const name of path) {
    if (typeof value !== "object" || value === null || Array.isArray(value) || !Object.hasOwn(value, name))
      return undefined
    value = (value as { readonly [name: string]: Schema.Json })[name]
  }
  return typeof value === "string" ? value : undefined
}
