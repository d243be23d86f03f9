import { CommandIdReused, type EventStore, EventStoreError, Reason, type StreamId } from "@hexfold/core"
import { PgTypes } from "@effect/sql-pg"
import { Effect, Exit, type Schema } from "effect"
import type { SqlClient, SqlError } from "effect/sql"
import { readEvents, readStreams, readStreamsAndCommands } from "../sql/readStreams.ts"
import { array } from "../database/binds.ts"
import { hidden } from "../database/logChecks.ts"
import type { KnownHistory } from "./horizon.ts"
import { commandKeyOf, keyOf } from "./keys.ts"
import { type EventRow, toRecorded, writtenFirst } from "../database/eventRows.ts"

/** What one caller reads. */
export interface ReadRequest {
  readonly requests: ReadonlyArray<EventStore.StreamRequest>
  readonly command: EventStore.CommandKey | undefined
}

/** What was done under a command id, or why it may not be used. */
export type CommandResult = EventStore.RepeatedPart | CommandIdReused

/** Reads for many callers in one statement: all of them see the same moment. */
export const readAllStreams =
  (sql: SqlClient.SqlClient, schema: string, known: Pick<KnownHistory, "checked">) =>
  (
    batch: ReadonlyArray<ReadRequest>
  ): Effect.Effect<
    ReadonlyArray<Exit.Exit<EventStore.StreamsRead, CommandIdReused | EventStoreError>>,
    SqlError.SqlError | EventStoreError
  > => {
    // Taken before the read: if the log begins another history meanwhile, the next append in it is refused.
    const history = Number(known.checked)
    return Effect.map(
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
          const broken = streams.find((slice) => slice instanceof EventStoreError)
          if (broken !== undefined) return Exit.fail(broken)
          return appended !== undefined && "_tag" in appended
            ? Exit.fail(appended)
            : Exit.succeed({ streams: streams.filter(isWhole), appended, history })
        })
      }
    )
  }

/** The results of the appends with these commands, by command id. */
export const readCommands = (
  sql: SqlClient.SqlClient,
  schema: string,
  keys: ReadonlyArray<EventStore.CommandKey>
): Effect.Effect<ReadonlyMap<string, CommandResult>, SqlError.SqlError | EventStoreError> =>
  Effect.map(select(sql, schema, [], keys), ({ commands }) => commands)

// A row of a stream, with some of its events or without.
interface StreamRow {
  readonly ord: number
  readonly head: bigint
  /** The version of the first event of the row. */
  readonly first: bigint | null
  /** Null if none of the events can be read. */
  readonly types: ReadonlyArray<string> | null
  /** The events' data as JSON, separated by commas; null if it is too long for one message. */
  readonly data: string | null
}

// A row of a command: its fingerprint, or one of its streams, or one of its events. Its `ord` is negative.
interface CommandRow extends Omit<EventRow, "data" | "event_id"> {
  readonly ord: number
  readonly event_id: string | null
  readonly event_data: EventRow["data"]
  readonly stream_id: string
  readonly fingerprint: string | null
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
  const rows: Effect.Effect<ReadonlyArray<StreamRow | CommandRow>, SqlError.SqlError> = keys.length === 0
    ? sql.unsafe<StreamRow>(readStreams(schema), binds)
    : sql.unsafe<StreamRow | CommandRow>(readStreamsAndCommands(schema), [
        ...binds,
        array(
          keys.map(({ id }) => commandKeyOf(id)),
          PgTypes.OID.text
        )
      ])
  return Effect.flatMap(rows, (rows): Selected => {
    if (rows.some(({ ord }) => ord === 0)) return Effect.fail(hidden("readStreams", `the schema ${schema}`))
    const ofStreams = rows.filter((row): row is StreamRow => row.ord > 0)
    const ofCommands = rows.filter((row): row is CommandRow => row.ord < 0)
    return Effect.map(withPayloads(sql, schema, requests, ofStreams), (events) => ({
      slices: toSlices(requests, events),
      commands: toCommands(keys, ofCommands)
    }))
  })
}

type Selected = Effect.Effect<
  {
    readonly slices: ReadonlyArray<EventStore.StreamSlice | EventStoreError>
    readonly commands: ReadonlyMap<string, CommandResult>
  },
  SqlError.SqlError | EventStoreError
>

/** Events of a stream, and their payloads. */
interface Events extends Omit<StreamRow, "data"> {
  readonly payloads: ReadonlyArray<Schema.Json>
}

// Reads payloads that were too long for one message, event by event.
const withPayloads = (
  sql: SqlClient.SqlClient,
  schema: string,
  requests: ReadonlyArray<EventStore.StreamRequest>,
  rows: ReadonlyArray<StreamRow>
): Effect.Effect<ReadonlyArray<Events>, SqlError.SqlError> => {
  const parsed = rows.map((row) => ({ ...row, payloads: JSON.parse(`[${row.data ?? ""}]`) as Events["payloads"] }))
  if (!rows.some(isCut)) return Effect.succeed(parsed)
  return Effect.forEach(parsed, (row) => {
    if (!isCut(row)) return Effect.succeed(row)
    const { streamId } = requests[row.ord - 1]!
    const binds = [keyOf(streamId), row.first, row.types!.length]
    return Effect.flatMap(sql.unsafe<Pick<EventRow, "data">>(readEvents(schema), binds), (events) =>
      Effect.succeed({ ...row, payloads: events.map(({ data }) => data) })
    )
  })
}

const isCut = ({ data, types }: StreamRow): boolean => types !== null && data === null

const toSlices = (
  requests: ReadonlyArray<EventStore.StreamRequest>,
  rows: ReadonlyArray<Events>
): ReadonlyArray<EventStore.StreamSlice | EventStoreError> => {
  const slices = requests.map(({ streamId }) => ({
    streamId,
    version: 0,
    events: [] as Array<EventStore.StreamEvent>
  }))
  const broken = new Map<number, EventStoreError>()
  for (const { first, head, ord, payloads, types } of rows) {
    const slice = slices[ord - 1]!
    slice.version = Number(head)
    if (first !== null && payloads.length !== Math.min(eventsOfRow, Number(head - first) + 1)) {
      broken.set(ord - 1, incomplete(slice.streamId, Number(first), payloads.length, Number(head)))
    }
    const { events, streamId } = slice
    for (let i = 0; i < payloads.length; i++) {
      events.push({ streamId, version: Number(first) + i, type: types![i]!, data: payloads[i]! })
    }
  }
  for (const { events } of slices) if (events.length > 1) events.sort((a, b) => a.version - b.version)
  return broken.size === 0 ? slices : slices.map((slice, i) => broken.get(i) ?? slice)
}

const isWhole = (slice: EventStore.StreamSlice | EventStoreError): slice is EventStore.StreamSlice =>
  !(slice instanceof EventStoreError)

/** The most events of a row, see `sql/readStreams.ts`. */
const eventsOfRow = 32

const incomplete = (streamId: StreamId.StreamId, first: number, found: number, head: number) => {
  const last = Math.min(first + eventsOfRow - 1, head)
  const detail =
    `stream ${streamId} is at version ${head}, but of its events ${first} to ${last} only ${found} can be read: ` +
    "they were deleted, or row-level security hides them"
  return new EventStoreError({ operation: "readStreams", reason: new Reason.Corrupt({ detail }) })
}

const toCommands = (
  keys: ReadonlyArray<EventStore.CommandKey>,
  rows: ReadonlyArray<CommandRow>
): ReadonlyMap<string, CommandResult> => {
  const commands = new Map<string, CommandResult>()
  for (const [ord, own] of Map.groupBy(rows, ({ ord }) => ord)) {
    const key = keys[-ord - 1]!
    const command = own.find(({ fingerprint }) => fingerprint !== null)!
    const stored = command.fingerprint!
    if (stored !== key.fingerprint) {
      commands.set(key.id, new CommandIdReused({ commandId: key.id, stored, given: key.fingerprint }))
      continue
    }
    const events: Array<EventStore.RecordedEvent> = []
    const streams: Array<EventStore.StreamVersion> = []
    for (const row of own) {
      const { event_data: data, event_id, fingerprint, stream_id } = row
      if (fingerprint !== null) continue
      if (event_id !== null) events.push(toRecorded({ ...row, event_id, data }, stream_id))
      else
        streams[Number(row.position) - 1] = { streamId: stream_id as StreamId.StreamId, version: Number(row.version) }
    }
    events.sort((a, b) => a.position - b.position)
    commands.set(key.id, { events, streams: writtenFirst(streams, events), history: Number(command.version) })
  }
  return commands
}
