import {
  type CommandIdReused,
  ConcurrencyConflict,
  type EventStore,
  EventStoreError,
  Reason,
  type StreamId
} from "@hexfold/core"
import { AppendCheck, Expectation } from "@hexfold/core/adapter"
import { DateTime, Effect, Exit, Result } from "effect"
import type { SqlClient, SqlError } from "effect/sql"
import { appendCall } from "../sql/append.ts"
import type { Touches } from "./keyLocks.ts"
import { translated } from "../database/errors.ts"
import type { Called, Maintained, Run } from "../views/inlineAppends.ts"
import { bindsOf, type Encoded, encode, touched } from "./appendBinds.ts"
import { commandKeyOf } from "./keys.ts"
import { namingStreams } from "./lockTimeout.ts"
import { readCommands } from "./streamReader.ts"
import { writtenFirst } from "../database/eventRows.ts"

/** Why an append can fail alone, while the others of its call succeed. */
export type AppendFailure = ConcurrencyConflict | CommandIdReused | EventStoreError

/** The keys that an append locks. */
export const touchesOf = (append: EventStore.Append): Touches => {
  const streams = touched(append)
  const exclusive = streams.filter(({ count }) => count > 0).map(({ key }) => key)
  for (const { command } of append.parts) if (command !== undefined) exclusive.push(commandKeyOf(command.id))
  return { exclusive, shared: streams.filter(({ count }) => count === 0).map(({ key }) => key) }
}

/** What an append did. */
export type Answer = EventStore.Appended | EventStore.Repeated

/** What a call may do. */
export interface CallOptions {
  /** How long it waits for each lock, in milliseconds; 0 for no limit but that of the connection. */
  readonly lockTimeout: number
}

/**
 * Appends in one call, each whole or not at all. `joined` says whether the call
 * runs in a caller's transaction. A call that waited for a lock too long has done
 * nothing, and fails with a `Timeout` that names the streams.
 */
export const appendAll =
  (
    sql: SqlClient.SqlClient,
    schema: string,
    run: Run,
    joined: boolean,
    { lockTimeout }: CallOptions = { lockTimeout: 0 }
  ) =>
  (
    appends: ReadonlyArray<EventStore.Append>
  ): Effect.Effect<ReadonlyArray<Exit.Exit<Answer, AppendFailure>>, SqlError.SqlError | EventStoreError> =>
    Effect.gen(function* () {
      const encoded = encode(appends, joined)
      const call = (maintained: Maintained) =>
        Effect.map(sql.unsafe<Row>(appendCall(schema), bindsOf(encoded, maintained, lockTimeout)), ([row]) =>
          exitsOf(appends, encoded, row!)
        )
      const { exits } = yield* namingStreams(sql, schema, encoded, joined)(run(appends, call))
      const repeats = appends.flatMap(({ parts: [part] }, i) =>
        exits[i] === undefined && part?.command !== undefined ? [part.command] : []
      )
      if (repeats.length === 0) return exits as ReadonlyArray<Exit.Exit<Answer, AppendFailure>>
      // The other appends have committed, so a failure of this read concerns the repeats alone.
      const previous = yield* Effect.result(translated("append")(readCommands(sql, schema, repeats)))
      return exits.map((exit, i) => {
        if (exit !== undefined) return exit
        if (Result.isFailure(previous)) return Exit.fail(previous.failure)
        const appended = previous.success.get(appends[i]!.parts[0]!.command!.id)
        // The call found the command id, but a sweep forgot it before its result was read.
        if (appended === undefined) return Exit.fail(forgotten())
        return "_tag" in appended
          ? Exit.fail(appended)
          : Exit.succeed({ _tag: "Repeated", repeats: [{ part: 0, appended }] })
      })
    })

interface Done extends Called {
  /** An exit for each append; `undefined` for a repeat. */
  readonly exits: ReadonlyArray<Exit.Exit<Answer, AppendFailure> | undefined>
}

const exitsOf = (appends: ReadonlyArray<EventStore.Append>, encoded: Encoded, row: Row): Done => {
  const { placesOf, streams } = encoded
  const failed = new Set(row.o_failed)
  const repeated = new Set(row.o_repeated)
  const refused = refusedOf(encoded, row)
  const recorded: Array<EventStore.RecordedEvent> = []
  let time = DateTime.makeUnsafe(0)
  const exits = appends.map((append, owner): Done["exits"][number] => {
    if (repeated.has(owner)) return undefined
    const places = placesOf[owner]!
    if (failed.has(owner)) {
      return Exit.fail(conflictOf(append, new Map(places.map((i) => [streams[i]!.streamId, Number(row.o_bases[i])]))))
    }
    const refusal = refused.get(owner)
    if (refusal !== undefined) return Exit.fail(refusal)
    const events: Array<EventStore.RecordedEvent> = []
    append.parts[0]?.writes.forEach((write, at) => {
      const place = places[at]!
      let version = Number(row.o_bases[place])
      const millis = row.o_times[place]?.getTime()
      if (millis !== undefined && millis !== time.epochMilliseconds) time = DateTime.makeUnsafe(millis)
      for (const event of write.events) {
        const position = Number(row.o_positions[recorded.length])
        const { data, id, metadata, type, recordedAt = time } = event
        const { streamId } = write
        const imported = event.recordedAt !== undefined
        const each = { id, streamId, version: ++version, position, type, data, metadata, recordedAt, imported }
        events.push(each)
        recorded.push(each)
      }
    })
    const after = places.map((i) => ({
      streamId: streams[i]!.streamId,
      version: Number(row.o_bases[i]) + streams[i]!.count
    }))
    const parts = append.parts.length === 0 ? [] : [{ events, streams: writtenFirst(after, events) }]
    return Exit.succeed({ _tag: "Appended", parts, history: 1 })
  })
  return { exits, events: recorded, inline: row.o_inline }
}

/** The appends whose imported events have times that do not fit, and why. */
const refusedOf = ({ events }: Encoded, row: Row): ReadonlyMap<number, EventStoreError> => {
  const refused = new Map<number, EventStoreError>()
  row.o_refused.forEach((index, i) => {
    const [owner, event] = events[index - 1]!
    const before = row.o_limits[i]
    refused.set(owner, AppendCheck.misplaced(event, before === null ? undefined : DateTime.makeUnsafe(before!)))
  })
  return refused
}

const forgotten = () =>
  new EventStoreError({
    operation: "append",
    reason: new Reason.Unavailable({ detail: "the command id expired during the append: repeat it" })
  })

interface Row {
  readonly o_failed: ReadonlyArray<number>
  readonly o_repeated: ReadonlyArray<number>
  readonly o_refused: ReadonlyArray<number>
  readonly o_limits: ReadonlyArray<Date | null>
  readonly o_bases: ReadonlyArray<bigint>
  readonly o_times: ReadonlyArray<Date | null>
  readonly o_positions: ReadonlyArray<bigint>
  readonly o_inline: ReadonlyArray<bigint>
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
