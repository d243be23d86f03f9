import * as Result from "effect/Result"
import type * as Schema from "effect/Schema"
import { RecordDecodeError } from "../views/errors.ts"
import * as Query from "../../domain/Query.ts"

/** Decodes the page that a view store gave. */
export const decoded = <Row>(
  view: Query.Source<unknown>,
  query: Query.Query<Row>,
  { next, rows }: Query.Page<Schema.Json>
): Result.Result<Query.Page<Row>, RecordDecodeError> => {
  const decode = Query.decoder(view, query)
  const states: Array<Query.Row<Row>> = []
  for (const row of rows) {
    // One by one, so that an error can name the record.
    const page = decode({ rows: [row], next })
    if (Result.isFailure(page)) {
      return Result.fail(new RecordDecodeError({ view: view.name, key: row.key, cause: page.failure }))
    }
    states.push(...page.success.rows)
  }
  return Result.succeed({ rows: states, next })
}
