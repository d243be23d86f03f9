/** Answers queries from records in memory, within the time that a query allows itself. */
import * as Result from "effect/Result"
import type * as Schema from "effect/Schema"
import type { InvalidCursor } from "../../domain/errors.ts"
import type { Count, Groups, GroupValues, Page, Query, Row } from "../../domain/query/data.ts"
import { runGroups } from "../../domain/query/groups.ts"
import { run, runCount } from "../../domain/query/run.ts"
import { ViewStoreError } from "../../ports/errors.ts"
import { Timeout } from "../../ports/Reason.ts"

/** A page, a number, or groups, as the query asks. */
export type Answer = Page<Schema.Json> | number | ReadonlyArray<GroupValues>

/**
 * The answer to a query from all records of its view, by key. If it takes longer than the query's `timeout`, it fails with
 * a `ViewStoreError` of the reason `Timeout`. `now` gives the time in milliseconds.
 *
 * @example
 * ```ts
 * import { QueryAnswer } from "@hexfold/core/adapter"
 *
 * QueryAnswer.of({ _tag: "Count", view: "Accounts" }, new Map([["a", { balance: 3 }]]), Date.now) // Result.succeed(1)
 * ```
 */
export const of = (
  query: Query | Count | Groups,
  records: Iterable<readonly [string, Schema.Json]>,
  now: () => number
): Result.Result<Answer, InvalidCursor | ViewStoreError> => {
  const rows = timed(query, records, now)
  try {
    if (query._tag === "Count") return Result.succeed(runCount(query, rows))
    if (query._tag === "Groups") return Result.succeed(runGroups(query, rows))
    return run(query, rows)
  } catch (error) {
    if (error instanceof ViewStoreError) return Result.fail(error)
    throw error
  }
}

// The records of a view, until the time for the query is over.
function* timed(
  { timeout = Infinity, view }: Pick<Query, "timeout" | "view">,
  records: Iterable<readonly [string, Schema.Json]>,
  now: () => number
): Generator<Row<Schema.Json>> {
  const end = now() + timeout
  let seen = 0
  for (const [key, state] of records) {
    if (seen++ % 100 === 99 && now() > end) {
      const detail = `the query took longer than its timeout of ${timeout} ms`
      throw new ViewStoreError({ operation: "query", view, reason: new Timeout({ detail }) })
    }
    yield { key, state }
  }
}
