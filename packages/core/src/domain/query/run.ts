import * as Result from "effect/Result"
import type * as Schema from "effect/Schema"
import type { InvalidCursor } from "../errors.ts"
import { cursorOf, decodeCursor } from "./cursor.ts"
import type { Count, Page, Path, Query, Row } from "./data.ts"
import { comparePlaces, completed, fieldsOf, matches, placeOf } from "./evaluation.ts"

/**
 * The answer to a query from all records of its view, their states as JSON. A
 * store that keeps its records in memory uses it as it is.
 *
 * @example
 * ```ts
 * import { Query } from "@hexfold/core"
 * import { QueryEvaluation } from "@hexfold/core/adapter"
 *
 * declare const query: Query.Query
 *
 * QueryEvaluation.run(query, [{ key: "a", state: { balance: 3 } }])
 * // Result.succeed({ rows: [{ key: "a", state: { balance: 3 } }], next: undefined })
 * ```
 */
export const run = (
  query: Query,
  records: Iterable<Row<Schema.Json>>
): Result.Result<Page<Schema.Json>, InvalidCursor> =>
  Result.map(decodeCursor(query), (after) => {
    const { limit, missing, orderBy, select, total, where } = query
    const found = []
    let count = 0
    for (const { key, state } of records) {
      const whole = completed(state, missing)
      if (where !== undefined && !matches(where, whole)) continue
      count++
      const place = placeOf(orderBy, key, whole)
      if (after === undefined || comparePlaces(orderBy, place, after) > 0) found.push({ key, state, place })
    }
    found.sort((a, b) => comparePlaces(orderBy, a.place, b.place))
    const page = found.slice(0, limit)
    return {
      rows: page.map(({ key, state }) => ({
        key,
        state: select === undefined ? state : selected(completed(state, missing), select)
      })),
      next: page.length < found.length ? cursorOf(query, page.at(-1)!) : undefined,
      ...(total === true ? { total: count } : undefined)
    }
  })

/**
 * Like {@link run}, but for a query that counts.
 *
 * @example
 * ```ts
 * import { Query } from "@hexfold/core"
 * import { QueryEvaluation } from "@hexfold/core/adapter"
 *
 * QueryEvaluation.runCount({ _tag: "Count", view: "Accounts" }, [{ key: "a", state: { balance: 3 } }]) // 1
 * ```
 */
export const runCount = ({ missing, where }: Count, records: Iterable<Row<Schema.Json>>): number => {
  let count = 0
  for (const { state } of records) if (where === undefined || matches(where, completed(state, missing))) count++
  return count
}

/**
 * The selected fields of a state, each at its place. A field that is missing
 * stays so; what should have fields and has none is null.
 *
 * @example
 * ```ts
 * import { Query } from "@hexfold/core"
 * import { QueryEvaluation } from "@hexfold/core/adapter"
 *
 * QueryEvaluation.selected({ owner: { name: "Ann", age: 7 }, total: 3 }, [["owner", "name"]]) // { owner: { name: "Ann" } }
 * ```
 */
export const selected = (state: Schema.Json, select: ReadonlyArray<Path>): Schema.Json => {
  const fields = fieldsOf(state)
  if (fields === undefined) return null
  const chosen: Array<[string, Schema.Json]> = []
  for (const [name, paths] of byHead(select)) {
    if (!Object.hasOwn(fields, name)) continue
    chosen.push([name, paths === "all" ? fields[name]! : selected(fields[name]!, paths)])
  }
  return Object.fromEntries(chosen)
}

/** What follows each first name of these paths: everything, where one of them ends there. */
export const byHead = (select: ReadonlyArray<Path>): Map<string, ReadonlyArray<Path> | "all"> => {
  const tails = new Map<string, ReadonlyArray<Path> | "all">()
  for (const [name, ...tail] of select) {
    const known = tails.get(name!) ?? []
    tails.set(name!, tail.length === 0 || known === "all" ? "all" : [...known, tail])
  }
  return tails
}
