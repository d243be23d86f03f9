import { CommandIdReused, type EventStore, type EventStoreError, type StreamId } from "@hexfold/core"
import { Effect, Exit, type Schema } from "effect"
import type { SqlClient, SqlError } from "effect/sql"
import { eventsInRow, readEvents, readStreams, readStreamsAndCommands } from "../sql/readStreams.ts"
import { bigints, texts } from "../database/binds.ts"
import { hidden, incomplete } from "../database/logChecks.ts"
import type { KnownHistory } from "./horizon.ts"
import { commandKeyOf, keyOf } from "./keys.ts"
import { type EventRow, toRecorded, writtenFirst } from "../database/eventRows.ts"

/** What one caller reads. */
export interface ReadRequest {
  readonly requests: ReadonlyArray<EventStore.StreamRequest>
  readonly command: EventStore.CommandKey | undefined
}

/** What was done under a command id, or why it may not be used or cannot be read. */
export type CommandResult = EventStore.RepeatedPart | CommandIdReused | EventStoreError

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
        "readStreams",
        batch.flatMap(({ requests }) => requests),
        batch.flatMap(({ command }) => command ?? [])
      ),
      ({ commands, slices }) => {
        let next = 0
        return batch.map(({ command, requests }) => {
          const streams: Array<EventStore.StreamSlice> = []
          for (const slice of slices.slice(next, (next += requests.length))) {
            if ("_tag" in slice) return Exit.fail(slice)
            streams.push(slice)
          }
          const appended = command && commands.get(command.id)
          return appended !== undefined && "_tag" in appended
            ? Exit.fail(appended)
            : Exit.succeed({ streams, appended, history })
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
  Effect.map(select(sql, schema, "append", [], keys), ({ commands }) => commands)

// A row of a stream, with some of its events or without.
interface StreamRow {
  readonly ord: number
  /** The version of the stream; null if there is no such stream. */
  readonly head: bigint | null
  /** The version of the first event of the row. */
  readonly first: bigint | null
  /** Null if the row has no event. */
  readonly types: ReadonlyArray<string> | null
  /** The versions of the schemas of the events; null if each is 1. */
  readonly versions: ReadonlyArray<number> | null
  /** The events' data as JSON, separated by commas; null if the row has no event, or if it is too long for one message. */
  readonly data: string | null
  /** Whether a policy may hide rows from the role. */
  readonly hides: boolean
  /** Whether the log has lost the position of the request. */
  readonly lost: boolean
}

// A row of a command: its fingerprint and the number of its events, or one of its streams, or one of its events. Its `ord` is negative.
interface CommandRow extends Omit<EventRow, "data" | "event_id"> {
  readonly ord: number
  readonly event_id: string | null
  readonly event_data: EventRow["data"]
  readonly stream_id: string
  readonly fingerprint: string | null
  readonly hides: null
  readonly lost: null
}

const select = (
  sql: SqlClient.SqlClient,
  schema: string,
  operation: EventStoreError["operation"],
  requests: ReadonlyArray<EventStore.StreamRequest>,
  keys: ReadonlyArray<EventStore.CommandKey>
) => {
  const binds = [
    texts(requests.map(({ streamId }) => keyOf(streamId))),
    bigints(requests.map(({ after = 0 }) => BigInt(after)))
  ]
  // A statement of its own: the others need not look at the histories.
  const hasPlaces = requests.some(({ position }) => position !== undefined)
  const placesOf = (of: keyof EventStore.Position) =>
    bigints(requests.map(({ position }) => (position === undefined ? null : BigInt(position[of]))))
  const places = hasPlaces ? [placesOf("history"), placesOf("position")] : []
  const rows: Effect.Effect<ReadonlyArray<StreamRow | CommandRow>, SqlError.SqlError> = keys.length === 0
    ? sql.unsafe<StreamRow>(readStreams(schema, hasPlaces ? "$3 and $4" : undefined), [...binds, ...places])
    : sql.unsafe<StreamRow | CommandRow>(readStreamsAndCommands(schema, hasPlaces ? "$4 and $5" : undefined), [
        ...binds,
        texts(keys.map(({ id }) => commandKeyOf(id))),
        ...places
      ])
  return Effect.flatMap(rows, (rows): Selected => {
    if (rows.some(({ hides }) => hides === true)) return Effect.fail(hidden(operation, `the schema ${schema}`))
    const ofStreams = rows.filter((row): row is StreamRow => row.ord > 0)
    const ofCommands = rows.filter((row): row is CommandRow => row.ord < 0)
    return Effect.map(withPayloads(sql, schema, requests, ofStreams), (events) => ({
      slices: toSlices(operation, requests, events),
      commands: toCommands(operation, keys, ofCommands)
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
    const binds = [keyOf(requests[row.ord - 1]!.streamId), row.first, expectedIn(row)]
    return Effect.map(sql.unsafe<Pick<EventRow, "data">>(readEvents(schema), binds), (events) => ({
      ...row,
      payloads: events.map(({ data }) => data)
    }))
  })
}

const isCut = ({ data, types }: StreamRow): boolean => types !== null && data === null

/** How many events a row must have: versions have no gaps. */
const expectedIn = ({ first, head }: Pick<StreamRow, "first" | "head">): number =>
  first === null || head === null ? 0 : Math.min(eventsInRow, Number(head - first) + 1)

interface Slice extends EventStore.StreamSlice {
  version: number
  readonly events: Array<EventStore.StreamEvent>
  lost?: true
}

// Events have no versions of their own here. If one were missing, those after it would get the versions of others.
const toSlices = (
  operation: EventStoreError["operation"],
  requests: ReadonlyArray<EventStore.StreamRequest>,
  rows: ReadonlyArray<Events>
): ReadonlyArray<EventStore.StreamSlice | EventStoreError> => {
  const missing = new Map<number, number>()
  const slices = requests.map(({ streamId }): Slice => ({ streamId, version: 0, events: [] }))
  for (const { first, head, lost, ord, payloads, types, versions } of rows) {
    const slice = slices[ord - 1]!
    slice.version = Number(head ?? 0)
    if (lost) slice.lost = true
    const left = expectedIn({ first, head }) - payloads.length
    if (left > 0) missing.set(ord - 1, (missing.get(ord - 1) ?? 0) + left)
    const { events, streamId } = slice
    for (let i = 0; i < payloads.length; i++) {
      const schemaVersion = versions === null ? 1 : versions[i]!
      events.push({ streamId, version: Number(first) + i, type: types![i]!, schemaVersion, data: payloads[i]! })
    }
  }
  for (const { events } of slices) if (events.length > 1) events.sort((a, b) => a.version - b.version)
  if (missing.size === 0) return slices
  return slices.map((slice, i) =>
    missing.has(i)
      ? incomplete(operation, `${missing.get(i)} of the events of ${slice.streamId} up to version ${slice.version}`)
      : slice
  )
}

const toCommands = (
  operation: EventStoreError["operation"],
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
    const expected = Number(command.position)
    if (events.length !== expected) {
      const what = `${expected - events.length} of the ${expected} events of a command that was executed before`
      commands.set(key.id, incomplete(operation, what))
      continue
    }
    events.sort((a, b) => a.position - b.position)
    commands.set(key.id, { events, streams: writtenFirst(streams, events), history: Number(command.version) })
  }
  return commands
}
