import { CommandIdReused, type EventStore, type StreamId } from "@hexfold/core"
import { PgTypes } from "@effect/sql-pg"
import { Effect, Exit } from "effect"
import type { SqlClient, SqlError } from "effect/sql"
import { readStreams, readStreamsAndCommands } from "../sql/readStreams.ts"
import { array } from "./binds.ts"
import { commandKeyOf, keyOf } from "./keys.ts"
import { type EventRow, toRecorded, writtenFirst } from "./rows.ts"

/** What one caller wants to read. */
export interface ReadRequest {
  readonly requests: ReadonlyArray<EventStore.StreamRequest>
  readonly command: EventStore.CommandKey | undefined
}

type CommandResult = EventStore.Appended | CommandIdReused

/** Reads for many callers in one statement, so in one snapshot. */
export const readAllStreams =
  (sql: SqlClient.SqlClient, schema: string) =>
  (
    batch: ReadonlyArray<ReadRequest>
  ): Effect.Effect<ReadonlyArray<Exit.Exit<EventStore.Snapshot, CommandIdReused>>, SqlError.SqlError> =>
    Effect.map(
      select(
        sql,
        schema,
        batch.flatMap(({ requests }) => requests),
        batch.flatMap(({ command }) => command ?? [])
      ),
      ({ commands, slices }) => {
        let next = 0
        return batch.map(({ command, requests }) => {
          const streams = slices.slice(next, (next += requests.length))
          const appended = command && commands.get(command.id)
          return appended !== undefined && "_tag" in appended
            ? Exit.fail(appended)
            : Exit.succeed({ streams, appended })
        })
      }
    )

/** What the appends with these commands did, by command id. */
export const readCommands = (
  sql: SqlClient.SqlClient,
  schema: string,
  keys: ReadonlyArray<EventStore.CommandKey>
): Effect.Effect<ReadonlyMap<string, CommandResult>, SqlError.SqlError> =>
  Effect.map(select(sql, schema, [], keys), ({ commands }) => commands)

// A row of a stream or, with a negative `ord`, of a command; without an event if there is none.
type Row = (EventRow | { readonly event_id: null }) & {
  readonly ord: number
  readonly head: bigint | null
  readonly stream_id: string | null
  readonly fingerprint: string
  readonly streams: ReadonlyArray<string>
  readonly versions: ReadonlyArray<bigint>
}

const select = (
  sql: SqlClient.SqlClient,
  schema: string,
  requests: ReadonlyArray<EventStore.StreamRequest>,
  keys: ReadonlyArray<EventStore.CommandKey>
) => {
  const binds = [
    array(
      requests.map(({ streamId }) => keyOf(streamId)),
      PgTypes.OID.text
    ),
    array(
      requests.map(({ after = 0 }) => BigInt(after)),
      PgTypes.OID.int8
    )
  ]
  const rows =
    keys.length === 0
      ? sql.unsafe<Row>(readStreams(schema), binds)
      : sql.unsafe<Row>(readStreamsAndCommands(schema), [
          ...binds,
          array(
            keys.map(({ id }) => commandKeyOf(id)),
            PgTypes.OID.text
          )
        ])
  return Effect.map(rows, (rows) => ({ slices: toSlices(requests, rows), commands: toCommands(keys, rows) }))
}

const toSlices = (
  requests: ReadonlyArray<EventStore.StreamRequest>,
  rows: ReadonlyArray<Row>
): ReadonlyArray<EventStore.StreamSlice> => {
  const slices = requests.map(({ streamId }) => ({
    streamId,
    version: 0,
    events: [] as Array<EventStore.RecordedEvent>
  }))
  for (const row of rows) {
    if (row.ord < 0) continue
    const slice = slices[row.ord - 1]!
    slice.version = Number(row.head)
    if (row.event_id !== null) slice.events.push(toRecorded(row, slice.streamId))
  }
  for (const { events } of slices) if (events.length > 1) events.sort((a, b) => a.version - b.version)
  return slices
}

const toCommands = (
  keys: ReadonlyArray<EventStore.CommandKey>,
  rows: ReadonlyArray<Row>
): ReadonlyMap<string, CommandResult> => {
  const commands = new Map<string, CommandResult>()
  if (keys.length === 0) return commands
  for (const [ord, own] of Map.groupBy(rows, ({ ord }) => ord)) {
    if (ord > 0) continue
    const key = keys[-ord - 1]!
    const { fingerprint, streams, versions } = own[0]!
    if (fingerprint !== key.fingerprint) {
      commands.set(key.id, new CommandIdReused({ commandId: key.id, stored: fingerprint, given: key.fingerprint }))
      continue
    }
    const events = own.flatMap((row) => (row.event_id === null ? [] : toRecorded(row, row.stream_id!)))
    events.sort((a, b) => a.position - b.position)
    const touched = streams.map((streamId, i) => ({
      streamId: streamId as StreamId.StreamId,
      version: Number(versions[i])
    }))
    commands.set(key.id, { events, streams: writtenFirst(touched, events), repeated: true })
  }
  return commands
}
