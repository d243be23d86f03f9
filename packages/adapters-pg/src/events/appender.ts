import {
  type CommandIdReused,
  ConcurrencyConflict,
  type EventStore,
  EventStoreError,
  Reason,
  type StreamId
} from "@hexfold/core"
import { Expectation } from "@hexfold/core/adapter"
import { PgTypes } from "@effect/sql-pg"
import { DateTime, Effect, Exit, Result } from "effect"
import type { SqlClient, SqlError } from "effect/sql"
import { appendCall } from "../sql/append.ts"
import type { Touches } from "./keyLocks.ts"
import { array } from "../database/binds.ts"
import { translated } from "../database/errors.ts"
import type { Called, Maintained, Run } from "../views/inlineAppends.ts"
import { commandKeyOf, keyOf } from "./keys.ts"
import { readCommands } from "./streamReader.ts"
import { writtenFirst } from "../database/eventRows.ts"

/** Why an append can fail alone, while the others of its call succeed. */
export type AppendFailure = ConcurrencyConflict | CommandIdReused | EventStoreError

/** The keys that an append locks. */
export const touchesOf = (append: EventStore.Append): Touches => {
  const streams = touched(append)
  const exclusive = streams.filter(({ count }) => count > 0).map(({ key }) => key)
  if (append.command !== undefined) exclusive.push(commandKeyOf(append.command.id))
  return { exclusive, shared: streams.filter(({ count }) => count === 0).map(({ key }) => key) }
}

/** Appends in one call, each whole or not at all. `joined` says whether the call runs in a caller's transaction. */
export const appendAll =
  (sql: SqlClient.SqlClient, schema: string, run: Run, joined: boolean) =>
  (
    appends: ReadonlyArray<EventStore.Append>
  ): Effect.Effect<ReadonlyArray<Exit.Exit<EventStore.Appended, AppendFailure>>, SqlError.SqlError | EventStoreError> =>
    Effect.gen(function* () {
      const encoded = encode(appends, joined)
      const call = ({ ordered, promotions }: Maintained) =>
        Effect.map(
          sql.unsafe<Row>(appendCall(schema), [
            ...encoded.binds,
            array(promotions, OID.int8),
            array(ordered, OID.int8)
          ]),
          ([row]) => exitsOf(appends, encoded, row!)
        )
      const { exits } = yield* run(appends, call)
      const repeats = appends.flatMap(({ command }, i) =>
        exits[i] === undefined && command !== undefined ? [command] : []
      )
      if (repeats.length === 0) return exits as ReadonlyArray<Exit.Exit<EventStore.Appended, AppendFailure>>
      // The other appends have committed, so a failure of this read concerns the repeats alone.
      const previous = yield* Effect.result(translated("append")(readCommands(sql, schema, repeats)))
      return exits.map((exit, i) => {
        if (exit !== undefined) return exit
        if (Result.isFailure(previous)) return Exit.fail(previous.failure)
        const appended = previous.success.get(appends[i]!.command!.id)
        // The call found the command id, but a sweep forgot it before its result was read.
        if (appended === undefined) return Exit.fail(forgotten())
        return "_tag" in appended ? Exit.fail(appended) : Exit.succeed(appended)
      })
    })

interface Done extends Called {
  /** An exit for each append; `undefined` for a repeat. */
  readonly exits: ReadonlyArray<Exit.Exit<EventStore.Appended, AppendFailure> | undefined>
}

const exitsOf = (
  appends: ReadonlyArray<EventStore.Append>,
  { placesOf, streams }: ReturnType<typeof encode>,
  row: Row
): Done => {
  const failed = new Set(row.o_failed)
  const repeated = new Set(row.o_repeated)
  const recordedAt = DateTime.makeUnsafe(row.o_recorded_at)
  const recorded: Array<EventStore.RecordedEvent> = []
  const exits = appends.map((append, owner): Done["exits"][number] => {
    if (repeated.has(owner)) return undefined
    const versions = new Map<StreamId.StreamId, number>()
    for (const i of placesOf[owner]!) versions.set(streams[i]!.streamId, Number(row.o_bases[i]))
    if (failed.has(owner)) return Exit.fail(conflictOf(append, versions))
    const events: Array<EventStore.RecordedEvent> = []
    for (const write of append.writes) {
      for (const event of write.events) {
        const version = versions.get(write.streamId)! + 1
        versions.set(write.streamId, version)
        const position = Number(row.o_positions[recorded.length])
        const { data, id, metadata, type } = event
        const { streamId } = write
        const each = { id, streamId, version, position, type, data, metadata, recordedAt }
        events.push(each)
        recorded.push(each)
      }
    }
    return Exit.succeed({
      events,
      streams: writtenFirst(
        Array.from(versions, ([streamId, version]) => ({ streamId, version })),
        events
      ),
      repeated: false
    })
  })
  return { exits, events: recorded, inline: row.o_inline }
}

const forgotten = () =>
  new EventStoreError({
    operation: "append",
    reason: new Reason.Unavailable({ detail: "the command id expired during the append: repeat it" })
  })

const { OID } = PgTypes

interface Row {
  readonly o_failed: ReadonlyArray<number>
  readonly o_repeated: ReadonlyArray<number>
  readonly o_bases: ReadonlyArray<bigint>
  readonly o_positions: ReadonlyArray<bigint>
  readonly o_recorded_at: Date
  readonly o_inline: ReadonlyArray<bigint>
}

interface Touched {
  readonly streamId: StreamId.StreamId
  readonly key: string
  readonly count: number
  readonly expected: Expectation.Expectation
}

// Each stream once, with the version that it must have and the number of events that it gets.
const touched = (append: EventStore.Append): ReadonlyArray<Touched> => {
  const streams: Array<Touched> = []
  for (const { events, streamId } of append.writes) {
    const expected = append.conditions.find((condition) => condition.streamId === streamId)?.expected ?? Expectation.any
    streams.push({ streamId, key: keyOf(streamId), count: events.length, expected })
  }
  for (const { expected, streamId } of append.conditions) {
    if (!append.writes.some((write) => write.streamId === streamId)) {
      streams.push({ streamId, key: keyOf(streamId), count: 0, expected })
    }
  }
  return streams
}

const encode = (appends: ReadonlyArray<EventStore.Append>, joined: boolean) => {
  const streams = appends
    .flatMap((append, owner) => touched(append).map((stream) => ({ ...stream, owner })))
    .sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
  const placesOf: ReadonlyArray<Array<number>> = appends.map(() => [])
  streams.forEach(({ owner }, i) => placesOf[owner]!.push(i))
  const commands = appends
    .flatMap(({ command }, owner) =>
      command === undefined ? [] : [{ ...command, key: commandKeyOf(command.id), owner }]
    )
    .sort((a, b) => (a.key < b.key ? -1 : 1))

  const eventStreams: Array<number> = []
  const ordinals: Array<number> = []
  const ids: Array<string> = []
  const types: Array<string> = []
  const data: Array<unknown> = []
  const metadata: Array<unknown> = []
  appends.forEach((append, owner) => {
    for (const write of append.writes) {
      const place = placesOf[owner]!.find((i) => streams[i]!.streamId === write.streamId)!
      write.events.forEach((event, i) => {
        eventStreams.push(place + 1)
        ordinals.push(i + 1)
        ids.push(event.id)
        types.push(event.type)
        data.push(event.data)
        metadata.push(event.metadata)
      })
    }
  })

  const binds = [
    array(
      streams.map(({ key }) => key),
      OID.text
    ),
    streams.every(({ key, streamId }) => key === streamId)
      ? null
      : array(
          streams.map(({ streamId }) => streamId),
          OID.text
        ),
    array(
      streams.map(({ expected }) => BigInt(expectedCode(expected))),
      OID.int8
    ),
    array(
      streams.map(({ count }) => count),
      OID.int4
    ),
    array(
      streams.map(({ owner }) => owner),
      OID.int4
    ),
    array(eventStreams, OID.int4),
    array(ordinals, OID.int4),
    array(ids, OID.uuid),
    array(types, OID.text),
    array(data, OID.jsonb),
    array(metadata, OID.jsonb),
    array(
      commands.map(({ owner }) => owner),
      OID.int4
    ),
    array(
      commands.map(({ key }) => key),
      OID.text
    ),
    array(
      commands.map(({ fingerprint }) => fingerprint),
      OID.text
    ),
    joined
  ]
  return { streams, placesOf, binds }
}

const expectedCode = (expected: Expectation.Expectation): number => {
  switch (expected._tag) {
    case "Any":
      return -1
    case "StreamExists":
      return -2
    case "NoStream":
      return 0
    case "Exactly":
      return expected.version
  }
}

// `versions` are those at the check. The error names the first failed condition, ordered by stream id.
const conflictOf = (
  append: EventStore.Append,
  versions: ReadonlyMap<StreamId.StreamId, number>
): ConcurrencyConflict => {
  const failed = append.conditions
    .map(({ expected, streamId }) => ({ stream: streamId, expected, actual: versions.get(streamId)! }))
    .filter(({ actual, expected }) => !Expectation.holds(expected, actual))
    .sort((a, b) => (a.stream < b.stream ? -1 : 1))
  return new ConcurrencyConflict({ ...failed[0]!, attempts: 1 })
}
