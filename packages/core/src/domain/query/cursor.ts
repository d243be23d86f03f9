import * as Hash from "effect/Hash"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { canonicalJson } from "../json/canonicalJson.ts"
import type { Query } from "./data.ts"
import { InvalidCursor } from "../errors.ts"
import { completed, type Place, placeOf } from "./evaluation.ts"

const SortValue = Schema.Union([Schema.String, Schema.Finite, Schema.Boolean, Schema.Null, Schema.Tuple([])])

const Cursor = Schema.StringFromBase64Url.pipe(
  Schema.decodeTo(
    Schema.fromJsonString(Schema.Struct({ query: Schema.Int, values: Schema.Array(SortValue), key: Schema.String }))
  )
)

const encode = Schema.encodeSync(Cursor)
const decode = Schema.decodeResult(Cursor)

// Finds mistakes, not attacks: a forged cursor only leads to another place among the same records.
const fingerprintOf = ({ orderBy, view, where }: Query): number =>
  Hash.string(canonicalJson(JSON.parse(JSON.stringify([view, where ?? null, orderBy])) as Schema.Json))

/**
 * The cursor of a record. A query with this cursor as `after` starts after the
 * record's place, even if the record no longer exists. The state is the whole
 * JSON of the record, not what the query selects.
 *
 * @example
 * ```ts
 * import { Query } from "@hexfold/core"
 * import { QueryEvaluation } from "@hexfold/core/adapter"
 *
 * declare const query: Query.Query
 *
 * const next = Query.after(query, QueryEvaluation.cursorOf(query, { key: "a", state: { balance: 3 } }))
 * ```
 */
export const cursorOf = (query: Query, record: { readonly key: string; readonly state: Schema.Json }): string =>
  encode({
    query: fingerprintOf(query),
    ...placeOf(query.orderBy, record.key, completed(record.state, query.missing))
  })

/**
 * The place that a query's `after` names, or `undefined` if the query starts at
 * the first record. Only stores decode cursors.
 *
 * @example
 * ```ts
 * import { Query } from "@hexfold/core"
 * import { QueryEvaluation } from "@hexfold/core/adapter"
 *
 * declare const query: Query.Query
 *
 * QueryEvaluation.decodeCursor(query) // Result.succeed({ values: [3], key: "a" })
 * ```
 */
export const decodeCursor = (query: Query): Result.Result<Place | undefined, InvalidCursor> => {
  const { after: cursor, orderBy, view } = query
  if (cursor === undefined) return Result.succeed(undefined)
  const decoded = Result.getOrUndefined(decode(cursor))
  if (decoded === undefined) return Result.fail(new InvalidCursor({ view, cursor, problem: "Malformed" }))
  const { key, query: fingerprint, values } = decoded
  return fingerprint === fingerprintOf(query) && values.length === orderBy.length
    ? Result.succeed({ key, values })
    : Result.fail(new InvalidCursor({ view, cursor, problem: "OtherQuery" }))
}

/** The cursor of a query, for the same query of a view with another name. */
export const cursorFor = (other: Query, query: Query): Result.Result<string | undefined, InvalidCursor> =>
  Result.map(decodeCursor(query), (place) =>
    place === undefined ? undefined : encode({ query: fingerprintOf(other), values: place.values, key: place.key })
  )
