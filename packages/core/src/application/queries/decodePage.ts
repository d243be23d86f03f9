import * as Result from "effect/Result"
import type * as Schema from "effect/Schema"
import * as Query from "../../domain/Query.ts"
import { RecordDecodeError } from "../views/errors.ts"

/** Decodes a page of a view store. Fails with the first record that does not decode. */
export const decoded = <Row>(
  view: Query.Source<unknown>,
  query: Query.Query<Row>,
  { rows, ...whole }: Query.Page<Schema.Json>
): Result.Result<Query.Page<Row>, RecordDecodeError> => {
  const decode = Query.decoder(view, query)
  const states: Array<Query.Row<Row>> = []
  for (const row of rows) {
    // One row at a time, so that an error can name its key.
    const page = decode({ rows: [row], next: undefined })
    if (Result.isFailure(page)) {
      return Result.fail(new RecordDecodeError({ view: view.name, key: row.key, cause: page.failure }))
    }
    states.push(...page.success.rows)
  }
  return Result.succeed({ rows: states, ...whole })
}

/** Decodes the groups of a view store. Fails with the first group that does not decode. */
export const decodedGroups = <G>(
  view: Query.Source<unknown>,
  query: Query.Groups<G>,
  groups: ReadonlyArray<Query.GroupValues>
): Result.Result<ReadonlyArray<G>, RecordDecodeError> => {
  const decode = Query.decoderOfGroups(view, query)
  return Result.all(
    groups.map((group) =>
      Result.mapError(
        decode(group),
        (cause) => new RecordDecodeError({ view: view.name, key: `of the group ${JSON.stringify(group.by)}`, cause })
      )
    )
  )
}
