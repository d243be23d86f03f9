import type { Query } from "@hexfold/core"
import { QueryEvaluation } from "@hexfold/core/adapter"
import { condition, where } from "./queryTranslator.ts"
import { columnOf, parameters, readColumn, type Reading, type Statement, valueOf } from "./queryColumns.ts"
import { valueOfKey } from "./sortKey.ts"

/** A row of the statement: the keys of the group's fields, the number of records, and the parts of each value. */
export interface GroupRow {
  readonly by: ReadonlyArray<string> | null
  readonly records: bigint
  readonly computed: ReadonlyArray<string | null> | null
}

/** Translates a query for groups. `groupOf` reads its rows. */
export const translateGroups = (schema: string, table: string, query: Query.Groups): Statement => {
  const { bind, statement } = parameters()
  const reading: Reading = { schema, bind, missing: query.missing ?? [] }
  const keys = query.by.map((path) => columnOf(reading, path).whole)
  const filter = query.where === undefined ? [] : [condition(reading, query.where)]
  const computed = Object.values(query.values).flatMap((each) => partsOf(reading, each))
  const columns = [`${arrayOf(keys)} as by`, "pg_catalog.count(*) as records", `${arrayOf(computed)} as computed`]
  // The numbers of columns would be taken for places in the list of columns, so the expressions are repeated.
  const grouping = keys.length === 0 ? "" : ` group by ${keys.join(", ")} order by ${keys.join(", ")}`
  const limit = query.limit === undefined ? "" : ` limit ${bind(BigInt(query.limit), "bigint")}`
  return statement(`select ${columns.join(", ")} from ${table}${where(filter)}${grouping}${limit}`)
}

const arrayOf = (texts: ReadonlyArray<string>): string => `array[${texts.join(", ")}]::text[]`

// A sum and an average have two parts: the exact sum, and how many numbers there are.
const partsOf = (reading: Reading, aggregation: Query.Aggregation): ReadonlyArray<string> => {
  if (aggregation._tag === "count") return []
  const { _tag, as, path } = aggregation
  if (_tag === "min" || _tag === "max") {
    const { whole } = readColumn(reading, path, as)
    return [`pg_catalog.${_tag}(${whole}) filter (where ${whole} <> all (array['0', '6']::text[]))`]
  }
  const value = valueOf(reading, path)
  const text = `(${value} #>> '{}'::text[])`
  const named =
    as === undefined
      ? ""
      : ` when pg_catalog.jsonb_typeof(${value}) = 'string' and ${text} = any (array['NaN', 'Infinity', '-Infinity']::text[]) then ${text}::numeric`
  const number = `case when pg_catalog.jsonb_typeof(${value}) = 'number' then ${text}::numeric${named} end`
  return [`pg_catalog.sum(${number})::text`, `pg_catalog.count(${number})::text`]
}

/** The group of a row. */
export const groupOf = ({ values }: Query.Groups, row: GroupRow): Query.GroupValues => {
  const parts = [...(row.computed ?? [])]
  return {
    by: (row.by ?? []).map(valueOfKey) as Query.GroupValues["by"],
    values: Object.fromEntries(
      Object.entries(values).map(([name, { _tag }]) => {
        switch (_tag) {
          case "count":
            return [name, Number(row.records)]
          case "min":
          case "max": {
            const key = parts.shift()
            return [name, key === null || key === undefined ? null : (valueOfKey(key) as string)]
          }
          default: {
            const sum = QueryEvaluation.decimalOf(parts.shift() ?? "0")
            const count = Number(parts.shift())
            if (_tag === "sum") return [name, sum]
            return [name, count === 0 ? null : QueryEvaluation.averageOf(sum, count)]
          }
        }
      })
    )
  }
}
