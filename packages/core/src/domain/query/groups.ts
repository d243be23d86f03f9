import type * as Schema from "effect/Schema"
import type { Aggregation, GroupValues, Groups, Row } from "./data.ts"
import { averageOf, sumOf } from "./decimal.ts"
import {
  compareValues,
  completed,
  isScalar,
  matches,
  readAs,
  type SortValue,
  sortValueAt,
  valueAt
} from "./evaluation.ts"

/**
 * The answer to a query for groups, from all records of its view. `count` counts
 * the records of a group. `sum` and `avg` take the numbers at a field and nothing
 * else; the sum of no number is 0, and their average is null. `min` and `max` take
 * the first and the last value in the order of a query, without null, arrays and
 * objects. Groups are ordered by their fields.
 *
 * @example
 * ```ts
 * import { Query } from "@hexfold/core"
 * import { QueryEvaluation } from "@hexfold/core/adapter"
 *
 * const money: Query.Groups = { _tag: "Groups", view: "Accounts", by: [], values: { all: { _tag: "sum", path: ["balance"] } } }
 *
 * QueryEvaluation.runGroups(money, [{ key: "a", state: { balance: 3 } }]) // [{ by: [], values: { all: "3" } }]
 * ```
 */
export const runGroups = (query: Groups, records: Iterable<Row<Schema.Json>>): ReadonlyArray<GroupValues> => {
  const { by, limit, missing, values, where } = query
  const groups = new Map<string, { readonly by: ReadonlyArray<SortValue>; readonly states: Array<Schema.Json> }>()
  const groupOf = (fields: ReadonlyArray<SortValue>) => {
    const id = JSON.stringify(fields)
    const known = groups.get(id)
    if (known !== undefined) return known
    const made = { by: fields, states: [] }
    groups.set(id, made)
    return made
  }
  if (by.length === 0) groupOf([])
  for (const record of records) {
    const state = completed(record.state, missing)
    if (where !== undefined && !matches(where, state)) continue
    groupOf(by.map((path) => sortValueAt(state, path))).states.push(state)
  }
  return [...groups.values()]
    .sort((a, b) => a.by.reduce<number>((order, value, i) => order || compareValues(value, b.by[i]!), 0))
    .slice(0, limit)
    .map(({ by, states }) => ({
      by,
      values: Object.fromEntries(Object.entries(values).map(([name, each]) => [name, valueOf(each, states)]))
    }))
}

const valueOf = (aggregation: Aggregation, states: ReadonlyArray<Schema.Json>): Schema.Json => {
  if (aggregation._tag === "count") return states.length
  const { _tag, as, path } = aggregation
  const found = states.map((state) => valueAt(state, path)).filter(isScalar)
  if (_tag === "sum" || _tag === "avg") {
    const numbers = found.map((value) => readAs(value, as)).filter((value) => typeof value === "number")
    if (_tag === "sum") return sumOf(numbers)
    return numbers.length === 0 ? null : averageOf(sumOf(numbers), numbers.length)
  }
  const order = (a: SortValue, b: SortValue) => compareValues(readAs(a, as), readAs(b, as))
  return found.reduce<SortValue>(
    (best, value) =>
      best === null || (_tag === "min" ? order(value, best) < 0 : order(value, best) > 0) ? value : best,
    null
  )
}
