import { PgTypes } from "@effect/sql-pg"
import type { EventStore, EventStoreError, StreamId } from "@hexfold/core"
import { DateTime, Effect } from "effect"
import type { SqlClient, SqlError } from "effect/sql"
import { bigint, int4, jsonb } from "../database/binds.ts"
import { appendEventCall } from "../sql/appendEvent.ts"
import { expectedCode } from "./appendBinds.ts"
import type { KnownHistory } from "./horizon.ts"
import { keyOf } from "./keys.ts"
import { namingStreams } from "./lockTimeout.ts"

/** An append of one event to one stream, without a command id. */
interface Single {
  readonly streamId: StreamId.StreamId
  readonly key: string
  /** The version that the stream must have; -1 for any. */
  readonly expected: number
  readonly event: EventStore.NewEvent
}

/** The append as one of a single event; undefined if it is more than that. */
const singleOf = ({ conditions, parts }: EventStore.Append): Single | undefined => {
  const [part] = parts
  if (parts.length !== 1 || part!.command !== undefined || part!.writes.length !== 1 || conditions.length > 1) {
    return undefined
  }
  const { events, streamId } = part!.writes[0]!
  const [condition] = conditions
  if (events.length !== 1 || events[0]!.recordedAt !== undefined) return undefined
  if (condition !== undefined && condition.streamId !== streamId) return undefined
  const expected = condition === undefined ? -1 : expectedCode(condition.expected)
  return expected < -1 ? undefined : { streamId, key: keyOf(streamId), expected, event: events[0]! }
}

/**
 * Appends a single event by a function of its own. Undefined for an append that is
 * more than that. An append without an answer was left to the append function:
 * nothing was done.
 */
export type SingleAppends = (
  append: EventStore.Append,
  present: Pick<KnownHistory, "log" | "checked">,
  lockTimeout: number
) => Effect.Effect<EventStore.Appended | undefined, SqlError.SqlError | EventStoreError> | undefined

/** Once appends maintain views, so many appends go to the append function without a try. */
const pause = 1_000

/** Makes the appends of single events. */
export const make = (
  sql: SqlClient.SqlClient,
  schema: string,
  autocommit: <A, E>(call: Effect.Effect<A, E>) => Effect.Effect<A, E | SqlError.SqlError>
): SingleAppends => {
  let left = 0
  return (append, { checked, log }, lockTimeout) => {
    const single = singleOf(append)
    if (single === undefined) return undefined
    if (left > 0) {
      left--
      return undefined
    }
    const { event, expected, key, streamId } = single
    const { data, id, metadata, schemaVersion = 1, type } = event
    const binds = [
      key,
      streamId,
      bigint(expected),
      PgTypes.uuid(id),
      type,
      int4(schemaVersion),
      jsonb(data),
      jsonb(metadata),
      int4(lockTimeout),
      checked,
      log
    ]
    const naming = namingStreams(sql, schema, { streams: [single] }, false)
    return Effect.map(naming(autocommit(sql.unsafe<Row>(appendEventCall(schema), binds))), ([row]) => {
      const { o_base, o_maintains, o_position, o_time } = row!
      if (o_maintains) left = pause
      if (o_position === null) return undefined
      const version = Number(o_base) + 1
      const position = Number(o_position)
      const recordedAt = DateTime.makeUnsafe(o_time!.getTime())
      const recorded = {
        id,
        streamId,
        version,
        position,
        type,
        schemaVersion,
        data,
        metadata,
        recordedAt,
        imported: false
      }
      const parts = [{ events: [recorded], streams: [{ streamId, version }] }]
      return { _tag: "Appended", parts, history: Number(checked) }
    })
  }
}

interface Row {
  readonly o_base: bigint | null
  readonly o_time: Date | null
  /** Null if nothing was done. */
  readonly o_position: bigint | null
  readonly o_maintains: boolean | null
}
