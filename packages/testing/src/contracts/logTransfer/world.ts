/** The logs and files of the cases about moving. */
import {
  EventStore,
  Export,
  Import,
  type ImportRefused,
  type InvalidLogFile,
  LogFile,
  LogTransfer,
  StreamId
} from "@hexfold/core"
import { StoreKey } from "@hexfold/core/adapter"
import { DateTime, Effect, Stream } from "effect"
import type { Node } from "../nodes.ts"

/** The identity of the log from which the files of the cases come. */
export const oldLog = "the old log"

/** The name of an aggregate that no other case uses. */
export const newAggregate = (): string => `Moved_${crypto.randomUUID().replaceAll("-", "")}`

const texts = ['é\u2028\ud83d\ude00\\u0041"', "", "a\tb\u0001", "x".repeat(5_000)]

/** The events of an old log in the order of their positions, of which some are unused. Streams take turns, in no fixed way. */
export const history = (aggregate: string, count: number, streams = 7): ReadonlyArray<LogFile.Event> => {
  const versions = new Map<string, number>()
  return Array.from({ length: count }, (_, i) => {
    const streamId = StreamId.make(aggregate, `${(i * i + (i >> 2)) % streams}-é`)
    const version = (versions.get(streamId) ?? 0) + 1
    versions.set(streamId, version)
    const id = crypto.randomUUID()
    return {
      position: 1 + i * 3,
      streamId,
      version,
      id,
      type: i % 5 === 0 ? "Begun" : "Happened",
      schemaVersion: 1 + (i % 3),
      data: i % 11 === 0 ? null : { n: i, text: texts[i % texts.length]!, list: [1e21, -1.5e-7, { a: true }] },
      metadata: {
        correlationId: `request ${i >> 3}`,
        causationId: id,
        ...(i % 2 === 0 ? { actor: "anna" } : undefined),
        ...(i % 3 === 0 ? { fields: { tenant: "acme", deep: [{ i }] } } : undefined)
      },
      recordedAt: DateTime.makeUnsafe(Date.UTC(2009, 2, 1, 9) + (i >> 1) * 61_007)
    }
  })
}

/** A command of an old log. */
export const command = (
  id: string,
  streams: ReadonlyArray<LogTransfer.EventPlace>,
  events: ReadonlyArray<LogTransfer.EventPlace>
): LogTransfer.UsedCommand => ({
  key: StoreKey.ofCommand(id),
  fingerprint: `fingerprint of ${id.slice(0, 20)}`,
  streams,
  events,
  usedAt: DateTime.makeUnsafe("2009-03-01T10:00:00.500Z")
})

/** The place of an event. */
export const placeOf = ({ streamId, version }: LogTransfer.EventPlace): LogTransfer.EventPlace => ({
  streamId,
  version
})

/** The lines of a file, each with its line feed. */
export const linesOf = (
  events: ReadonlyArray<LogFile.Event>,
  commands: ReadonlyArray<LogTransfer.UsedCommand> = [],
  log = oldLog
): Effect.Effect<ReadonlyArray<string>> =>
  Effect.map(
    Stream.runCollect(
      LogFile.encode({ log, events: Stream.fromIterable(events), commands: Stream.fromIterable(commands) })
    ),
    (pieces) => pieces.join("").match(/[^\n]*\n/g)!
  )

/** A file in chunks that do not end where its lines end. */
export const chunks = (lines: ReadonlyArray<string>, size = 977): Stream.Stream<Uint8Array> => {
  const bytes = new TextEncoder().encode(lines.join(""))
  return Stream.rechunk(
    Stream.fromIterable(
      Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) => bytes.subarray(i * size, (i + 1) * size))
    ),
    1
  )
}

/** Runs an effect on the log of a node. */
export const on = <A, E>(
  { eventStore, logTransfer }: Node,
  effect: Effect.Effect<A, E, EventStore.EventStore | LogTransfer.LogTransfer>
): Effect.Effect<A, E> =>
  effect.pipe(
    Effect.provideService(EventStore.EventStore, eventStore),
    Effect.provideService(LogTransfer.LogTransfer, logTransfer)
  )

/** Imports a file. */
export const imported = (node: Node, lines: ReadonlyArray<string>, options: Import.Options = {}) =>
  on(node, Import.run(chunks(lines), { batchSize: 10, ...options }))

/** Imports a file after an import of it was given up. An append of that one may come to an end meanwhile. */
export const importedAgain = (node: Node, lines: ReadonlyArray<string>, options: Import.Options = {}) =>
  Effect.retry(imported(node, lines, options), {
    times: 20,
    while: (error) => error._tag === "EventStoreError" && error.isRetryable
  })

/** The refusal of a file. */
export const refusal = (
  node: Node,
  lines: ReadonlyArray<string>,
  options: Import.Options = {}
): Effect.Effect<InvalidLogFile | ImportRefused, unknown> =>
  Effect.flatMap(Effect.flip(imported(node, lines, options)), (error) =>
    error._tag === "EventStoreError" ? Effect.fail(error) : Effect.succeed(error)
  )

/** What an export gives, decoded. */
export const exported = (node: Node, options: Export.Options) =>
  Effect.gen(function* () {
    const pieces = yield* on(node, Stream.runCollect(Export.lines(options)))
    const lines = pieces.join("").match(/[^\n]*\n/g)!
    const entries = yield* Stream.runCollect(LogFile.decode(chunks(lines)))
    const [header] = entries.flatMap((entry) => (entry._tag === "Header" ? [entry.header] : []))
    return {
      lines,
      header: header!,
      events: entries.flatMap((entry) => (entry._tag === "Event" ? [entry.event] : [])),
      commands: entries.flatMap((entry) => (entry._tag === "Command" ? [entry.command] : []))
    }
  })

/** The log of an aggregate. */
export const logOf = ({ eventStore }: Node, aggregate: string) =>
  Stream.runCollect(eventStore.readAll({ aggregates: [aggregate] }))

/** An event without what an import changes. */
export const unmoved = (event: LogFile.Event) => {
  const { imported: _, metadata, position: __, schemaVersion = 1, ...others } = event
  const { origin: ___, ...kept } = metadata
  return { ...others, schemaVersion, metadata: kept }
}
