/** What every store refuses before it lists streams: in one place, so that all stores refuse the same. */
import { aggregateOf, isAggregateName } from "../domain/StreamId.ts"
import { quote, streamIdProblem } from "../domain/texts.ts"
import { EventStoreError } from "./errors.ts"
import { Rejected } from "./Reason.ts"
import type { ListOptions } from "./StreamDirectory.ts"

/** The most streams that are listed at once. */
export const maxLimit = 10_000

/** The limit of a list that does not say one. */
export const defaultLimit = 100

/**
 * The reason to refuse a list of streams, if there is one: a name that no aggregate has, a stream of another aggregate, a
 * limit out of range.
 *
 * @example
 * ```ts
 * import { DirectoryCheck } from "@hexfold/core/adapter"
 *
 * DirectoryCheck.check({ aggregate: "Account", limit: 0 })
 * // EventStoreError { operation: "list", reason: Rejected { detail: "limit: 0 is not a whole number from 1 to 10000" } }
 * ```
 */
export const check = ({ after, aggregate, limit = defaultLimit }: ListOptions): EventStoreError | undefined => {
  if (!isAggregateName(aggregate)) return rejected(`aggregate: ${quote(aggregate)} cannot be the name of an aggregate`)
  if (after !== undefined && (streamIdProblem(after) !== undefined || aggregateOf(after) !== aggregate)) {
    return rejected(`after: ${quote(after)} is no stream of ${aggregate}`)
  }
  return Number.isSafeInteger(limit) && limit >= 1 && limit <= maxLimit
    ? undefined
    : rejected(`limit: ${limit} is not a whole number from 1 to ${maxLimit}`)
}

const rejected = (detail: string) => new EventStoreError({ operation: "list", reason: new Rejected({ detail }) })
