import type { EventStore, StreamDirectory, StreamId } from "@hexfold/core"
import { DirectoryCheck } from "@hexfold/core/adapter"
import { Effect } from "effect"
import type { SqlClient } from "effect/sql"
import { int4 } from "../database/binds.ts"
import type { Limit } from "../database/disconnect.ts"
import { translated } from "../database/errors.ts"
import { hidden } from "../database/logChecks.ts"
import { listStreams } from "./statement.ts"

/** What lists the streams of a schema. */
export const streamDirectory = (options: {
  readonly sql: SqlClient.SqlClient
  readonly schema: string
  readonly limited: Limit
}): StreamDirectory.StreamDirectory["Service"] => {
  const { limited, schema, sql } = options
  const statement = listStreams(schema)
  return {
    list: (asked) =>
      Effect.suspend(() => {
        const refusal = DirectoryCheck.check(asked)
        if (refusal !== undefined) return Effect.fail(refusal)
        const { after = "", aggregate, limit = DirectoryCheck.defaultLimit } = asked
        const listing = sql.unsafe<Row>(statement, [aggregate, after, int4(limit)])
        return Effect.flatMap(limited("list")(translated("list")(listing)), (rows) =>
          rows[0]?.hides === true
            ? Effect.fail(hidden("list", `the schema ${schema}`))
            : Effect.succeed(rows.flatMap(listed))
        )
      })
  }
}

interface Row {
  /** Null in the only row of a page without streams. */
  readonly stream_id: string | null
  readonly version: bigint | null
  readonly hides: boolean
}

const listed = ({ stream_id, version }: Row): ReadonlyArray<EventStore.StreamVersion> =>
  stream_id === null ? [] : [{ streamId: stream_id as StreamId.StreamId, version: Number(version) }]
