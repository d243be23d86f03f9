import { CommandIdReused, ConcurrencyConflict, EventStore, type EventStoreError, type StreamId } from "@hexfold/core"
import { AppendCheck, Expectation, StoreKey } from "@hexfold/core/adapter"
import { type Clock, DateTime, Effect, Queue, Stream } from "effect"
import type { Command, Log } from "./log.ts"
import { pages } from "./pages.ts"
import { endOf, historyOf, horizonOf, refusalOf } from "./histories.ts"

type Store = EventStore.EventStore["Service"]
type Recorded = EventStore.RecordedEvent

/** An empty log. */
export const newLog = (): Log => ({
  events: [],
  streams: new Map(),
  commands: new Map(),
  latest: { time: DateTime.makeUnsafe(0) },
  listeners: new Set(),
  ended: []
})

/**
 * An event store over a log. Several stores may share the log. The retention of
 * command ids is in milliseconds. `recorded` is called in the step that appends, with the time, and returns warnings.
 * An id that `isNeeded` does not expire.
 */
export const open = (
  data: Log,
  retention: number,
  recorded: (events: ReadonlyArray<Recorded>, now: number) => ReadonlyArray<string> = () => [],
  isNeeded: (commandId: string) => boolean = () => false
): Store => {
  const { commands, events: log, latest, listeners, streams } = data
  const versionOf = (streamId: StreamId.StreamId): number => streams.get(streamId)?.length ?? 0

  const isExpired = (key: string, command: Command, millis: number): boolean =>
    millis - command.at > retention && !isNeeded(StoreKey.commandIdOf(key) ?? "")

  const previous = (
    key: EventStore.CommandKey | undefined,
    clock: Clock.Clock
  ): EventStore.RepeatedPart | CommandIdReused | undefined => {
    if (key === undefined) return undefined
    const stored = StoreKey.ofCommand(key.id)
    const command = commands.get(stored)
    if (command === undefined) return undefined
    if (isExpired(stored, command, clock.currentTimeMillisUnsafe())) return undefined
    return command.fingerprint === key.fingerprint
      ? { ...command.appended, history: historyOf(data) }
      : new CommandIdReused({ commandId: key.id, stored: command.fingerprint, given: key.fingerprint })
  }

  const repeated = (
    parts: ReadonlyArray<EventStore.Part>,
    clock: Clock.Clock
  ): EventStore.Repeated | CommandIdReused | undefined => {
    const repeats: Array<EventStore.Repeated["repeats"][number]> = []
    for (let part = 0; part < parts.length; part++) {
      const appended = previous(parts[part]!.command, clock)
      if (appended === undefined) continue
      if ("_tag" in appended) return appended
      repeats.push({ part, appended })
    }
    return repeats.length === 0 ? undefined : { _tag: "Repeated", repeats }
  }

  // The map has the oldest command first.
  const sweep = (millis: number): void => {
    for (const [id, oldest] of commands) {
      if (millis - oldest.at <= retention) return
      if (isExpired(id, oldest, millis)) commands.delete(id)
    }
  }

  const conflict = (append: EventStore.Append): ConcurrencyConflict | undefined => {
    let first: ConcurrencyConflict | undefined
    for (const { expected, streamId } of append.conditions) {
      const actual = versionOf(streamId)
      if (!Expectation.holds(expected, actual) && (first === undefined || streamId < first.stream)) {
        first = new ConcurrencyConflict({ stream: streamId, expected, actual, attempts: 1 })
      }
    }
    return first
  }

  // The time of an append: that of the clock, but not before any time in the log. So a clock that is set back does not matter.
  const timeAt = (millis: number): DateTime.Utc =>
    millis > latest.time.epochMilliseconds || log.length === 0 ? DateTime.makeUnsafe(millis) : latest.time

  /** The refusal of the first imported event whose time does not fit into its stream, or lies in the future. */
  const misplaced = ({ parts }: EventStore.Append, millis: number, time: DateTime.Utc): EventStoreError | undefined => {
    if (!parts.some(hasImports)) return undefined
    const befores = new Map<StreamId.StreamId, DateTime.Utc>()
    for (const { events, streamId } of parts.flatMap(({ writes }) => writes)) {
      const last = streams.get(streamId)?.at(-1)?.recordedAt
      const most = Math.max(millis, last?.epochMilliseconds ?? millis)
      let before = befores.get(streamId) ?? last
      for (const event of events) {
        const { recordedAt } = event
        if (recordedAt !== undefined) {
          if (before !== undefined && recordedAt.epochMilliseconds < before.epochMilliseconds) {
            return AppendCheck.misplaced(event, before)
          }
          if (recordedAt.epochMilliseconds > most) return AppendCheck.misplaced(event, undefined)
        }
        before = recordedAt ?? time
      }
      if (before !== undefined) befores.set(streamId, before)
    }
    return undefined
  }

  const record = (
    { reads, writes }: EventStore.Part,
    conditions: ReadonlyArray<EventStore.Condition>,
    time: DateTime.Utc
  ): EventStore.PartAppended => {
    const recorded = new Array<Recorded>(writes.reduce((sum, { events }) => sum + events.length, 0))
    const touched = new Array<EventStore.StreamVersion>(writes.length)
    let next = 0
    for (let i = 0; i < writes.length; i++) {
      const { events, streamId } = writes[i]!
      const stream = streams.get(streamId)
      let version = stream?.length ?? 0
      for (const { data, id, metadata, recordedAt: own, schemaVersion = 1, type } of events) {
        const position = log.length + 1
        const recordedAt = own ?? time
        const imported = own !== undefined
        const event: Recorded = {
          id,
          streamId,
          version: ++version,
          position,
          type,
          schemaVersion,
          data,
          metadata,
          recordedAt,
          imported
        }
        if (recordedAt.epochMilliseconds > latest.time.epochMilliseconds || position === 1) latest.time = recordedAt
        log.push(event)
        stream?.push(event)
        recorded[next++] = event
      }
      if (stream === undefined) streams.set(streamId, recorded.slice(next - events.length, next))
      touched[i] = { streamId, version }
    }
    // Streams that got no event come after those that did.
    if (writes.some(({ events }) => events.length === 0)) {
      const got = new Set(writes.flatMap(({ events, streamId }) => (events.length > 0 ? [streamId] : [])))
      touched.sort((a, b) => Number(got.has(b.streamId)) - Number(got.has(a.streamId)))
    }
    let written: ReadonlySet<StreamId.StreamId> | undefined
    const length = reads?.length ?? conditions.length
    for (let i = 0; i < length; i++) {
      const streamId = reads === undefined ? conditions[i]!.streamId : reads[i]!
      if (streamId === writes[i]?.streamId) continue
      written ??= new Set(writes.map((write) => write.streamId))
      if (!written.has(streamId)) touched.push({ streamId, version: versionOf(streamId) })
    }
    return { events: recorded, streams: touched }
  }

  const slices = (requests: ReadonlyArray<EventStore.StreamRequest>): ReadonlyArray<EventStore.StreamSlice> =>
    requests.map(({ after = 0, position, streamId }) => {
      const stream = streams.get(streamId)
      const version = stream?.length ?? 0
      if (position === undefined || refusalOf({ after: position }, data) === undefined) {
        return { streamId, version, events: stream?.slice(after).map(onlyFold) ?? [] }
      }
      return { streamId, version, events: stream?.map(onlyFold) ?? [], lost: true }
    })

  const read = (
    requests: ReadonlyArray<EventStore.StreamRequest>,
    appended: EventStore.RepeatedPart | undefined
  ): EventStore.StreamsRead => ({ streams: slices(requests), appended, history: historyOf(data) })

  return EventStore.EventStore.of({
    append: (given) =>
      Effect.clockWith((clock): ReturnType<Store["append"]> => {
        const append = AppendCheck.check(given)
        if ("_tag" in append) return Effect.fail(append)
        const answer =
          repeated(append.parts, clock) ?? AppendCheck.historyRefusal(append, historyOf(data)) ?? conflict(append)
        if (answer !== undefined) return answer._tag === "Repeated" ? Effect.succeed(answer) : Effect.fail(answer)
        const millis = clock.currentTimeMillisUnsafe()
        const time = timeAt(millis)
        const refusal = misplaced(append, millis, time)
        if (refusal !== undefined) return Effect.fail(refusal)
        const before = log.length
        const parts = append.parts.map((part) => record(part, append.conditions, time))
        // Inline views take the events of all parts at once.
        const warnings = recorded(parts.length === 1 ? parts[0]!.events : parts.flatMap(({ events }) => events), millis)
        for (let i = 0; i < parts.length; i++) {
          const { command } = append.parts[i]!
          if (command === undefined) continue
          if (retention < Infinity) sweep(millis)
          commands.set(StoreKey.ofCommand(command.id), {
            at: millis,
            fingerprint: command.fingerprint,
            appended: parts[i]!
          })
        }
        if (log.length > before) for (const listener of listeners) Queue.offerUnsafe(listener, undefined)
        const appended: EventStore.Appended = { _tag: "Appended", parts, history: historyOf(data) }
        if (warnings.length === 0) return Effect.succeed(appended)
        return Effect.as(
          Effect.forEach(warnings, (warning) => Effect.logWarning(warning)),
          appended
        )
      }),

    readStreams: (requests, command) => {
      const refusal = AppendCheck.checkRead("readStreams", requests, command)
      if (refusal !== undefined) return Effect.fail(refusal)
      // Without a command the answer does not depend on the time.
      if (command === undefined) return Effect.sync(() => read(requests, undefined))
      return Effect.clockWith((clock): ReturnType<Store["readStreams"]> => {
        const appended = previous(command, clock)
        if (appended !== undefined && "_tag" in appended) return Effect.fail(appended)
        return Effect.succeed(read(requests, appended))
      })
    },

    readStream: (streamId, options = {}) =>
      Stream.suspend(() => {
        const refusal = AppendCheck.checkRead("readStream", [{ streamId }])
        if (refusal !== undefined) return Stream.fail(refusal)
        const refusedRange = AppendCheck.checkRange("readStream", options)
        if (refusedRange !== undefined) return Stream.fail(refusedRange)
        return pages(streams.get(streamId) ?? [], options)
      }),

    readAll: (options = {}) =>
      Stream.suspend(() => {
        const refusal = AppendCheck.checkRange("readAll", options)
        if (refusal !== undefined) return Stream.fail(refusal)
        const lost = refusalOf(options, data)
        if (lost !== undefined) return Stream.fail(lost)
        return pages(log, { ...options, upTo: Math.min(options.upTo ?? Infinity, log.length) }, endOf(data))
      }),

    // An entry of the queue says that the horizon has changed. The reader that takes it reads the present horizon. The
    // queue exists before the first horizon is read, so no append is missed.
    horizons: Stream.unwrap(
      Effect.gen(function* () {
        const listener = yield* Queue.sliding<void>(1)
        yield* Effect.acquireRelease(
          Effect.sync(() => listeners.add(listener)),
          () => Effect.sync(() => listeners.delete(listener))
        )
        return Stream.concat(Stream.succeed(undefined), Stream.fromQueue(listener)).pipe(
          Stream.map(() => horizonOf(data)),
          Stream.changesWith((a, b) => a.position === b.position && a.history === b.history)
        )
      })
    )
  })
}

const hasImports = ({ writes }: EventStore.Part): boolean =>
  writes.some(({ events }) => events.some(({ recordedAt }) => recordedAt !== undefined))

// What a fold needs. All stores give the same members.
const onlyFold = ({ data, schemaVersion, streamId, type, version }: Recorded): EventStore.StreamEvent => ({
  streamId,
  version,
  type,
  schemaVersion,
  data
})
