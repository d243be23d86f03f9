/**
 * Writes what a store has into a file: all of it, some aggregates, or some streams.
 * `Import` brings the file into another store.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import * as StreamId from "../../domain/StreamId.ts"
import { quote, streamIdProblem } from "../../domain/texts.ts"
import { EventStoreError } from "../../ports/errors.ts"
import { EventStore } from "../../ports/EventStore.ts"
import { LogTransfer, type UsedCommand } from "../../ports/LogTransfer.ts"
import { Rejected } from "../../ports/Reason.ts"
import { encode } from "./LogFile.ts"
import { merged } from "./merged.ts"

/** How far an export has come. */
export interface Progress {
  /** How many events were written. */
  readonly events: number
  /** How many commands were written. They come after the events. */
  readonly commands: number
  /** The position in the log up to which the events were written. */
  readonly position: number
  /** The last position that the export will reach. */
  readonly upTo: number
}

/** What is exported, and who is told. */
export interface Options {
  /** The aggregates whose streams are exported. Without it, and without `streams`, the whole store. */
  readonly aggregates?: ReadonlyArray<string>
  /** The streams that are exported. */
  readonly streams?: ReadonlyArray<StreamId.StreamId>
  /** Is told how far the export has come, after each piece of the file. */
  readonly onProgress?: (progress: Progress) => Effect.Effect<void>
}

/**
 * The lines of a file with the events up to the present horizon, and the commands that
 * have recorded them, in pieces of whole lines. Each run of the stream is an export of
 * its own. What is appended meanwhile is not in it. Memory is bounded: the store is
 * read in pages, and no faster than the pieces are taken.
 *
 * An export of some streams keeps of a command what its receipt says about these
 * streams. The commands are looked for among all commands of the store.
 *
 * @example
 * ```ts
 * import { Export, LogFile } from "@hexfold/core"
 * import { Effect, FileSystem, Stream } from "effect"
 *
 * const program = Effect.gen(function*() {
 *   const files = yield* FileSystem.FileSystem
 *   yield* Stream.run(LogFile.gzip(Export.lines()), files.sink("log.ndjson.gz"))
 * })
 * ```
 */
export const lines = (options: Options = {}): Stream.Stream<string, EventStoreError, EventStore | LogTransfer> =>
  Stream.unwrap(
    Effect.gen(function* () {
      const store = yield* EventStore
      const transfer = yield* LogTransfer
      const { aggregates, streams } = options
      yield* checked(options)
      const log = yield* transfer.log
      const horizon = Option.getOrThrow(yield* Stream.runHead(store.horizons))
      const { history, position: upTo } = horizon
      const isChosen = chosen(options)
      const done = { events: 0, commands: 0, position: 0, upTo }
      const read = store.readAll({ upTo, history, ...(isChosen && { aggregates: aggregatesOf(options) }) })
      const chosenEvents =
        streams === undefined
          ? read
          : streams.length <= mostMerged
            ? merged(store, [...new Set(streams)], horizon)
            : Stream.filter(read, ({ streamId }) => isChosen!(streamId))
      const events = chosenEvents.pipe(
        // The next page is read while this one is written.
        Stream.bufferArray({ capacity: 1 }),
        Stream.mapArray((page) => {
          done.events += page.length
          done.position = page.at(-1)!.position
          return page
        })
      )
      const commands = transfer.commands(upTo).pipe(
        Stream.mapArray((page) => {
          done.position = upTo
          return page
        }),
        Stream.filterMap((command) => {
          const kept = isChosen === undefined ? command : keptOf(command, isChosen)
          if (kept !== undefined) done.commands++
          return kept === undefined ? Result.failVoid : Result.succeed(kept)
        })
      )
      const { onProgress } = options
      const pieces = encode({
        log,
        events,
        commands,
        ...(aggregates && { aggregates }),
        ...(streams && { streams })
      })
      return onProgress === undefined ? pieces : Stream.tap(pieces, () => onProgress({ ...done }))
    })
  )

/** More named streams than these are looked for in all events of their aggregates. */
const mostMerged = 500

/** What a command did to the chosen streams, if it touched one. */
const keptOf = (command: UsedCommand, isChosen: (streamId: StreamId.StreamId) => boolean): UsedCommand | undefined => {
  const streams = command.streams.filter(({ streamId }) => isChosen(streamId))
  if (streams.length === 0) return undefined
  return { ...command, streams, events: command.events.filter(({ streamId }) => isChosen(streamId)) }
}

const chosen = ({ aggregates, streams }: Options): ((streamId: StreamId.StreamId) => boolean) | undefined => {
  if (streams !== undefined) {
    const named = new Set(streams)
    return (streamId) => named.has(streamId)
  }
  if (aggregates === undefined) return undefined
  const named = new Set(aggregates)
  return (streamId) => named.has(StreamId.aggregateOf(streamId))
}

const aggregatesOf = ({ aggregates, streams = [] }: Options): ReadonlyArray<string> =>
  aggregates ?? [...new Set(streams.map(StreamId.aggregateOf))]

const problemOf = ({ aggregates, streams }: Options): string | undefined => {
  if (aggregates !== undefined && streams !== undefined) return "aggregates and streams are named: name one of them"
  const wrong = aggregates?.find((name) => !StreamId.isAggregateName(name))
  if (wrong !== undefined) return `${quote(wrong)} is not the name of an aggregate`
  return streams?.map(streamIdProblem).find((problem) => problem !== undefined)
}

const checked = (options: Options): Effect.Effect<void, EventStoreError> => {
  const detail = problemOf(options)
  return detail === undefined
    ? Effect.void
    : Effect.fail(new EventStoreError({ operation: "transfer", reason: new Rejected({ detail }) }))
}
