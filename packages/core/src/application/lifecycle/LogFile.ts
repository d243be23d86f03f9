/**
 * The file of an exported log: a line of JSON for each event and each command. It is
 * documented on the page "moving", so that programs without this library can read and
 * write it.
 */
import * as Data from "effect/Data"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import type { UsedCommand } from "../../ports/LogTransfer.ts"
import { through } from "./compression.ts"
import { InvalidLogFile } from "./errors.ts"
import type { Event, Header } from "./lines.ts"
import { type Entry, make as makeReader } from "./reader.ts"
import { make as makeWriter } from "./writer.ts"

export { format, type End, type Event, type Header } from "./lines.ts"
export type { Entry } from "./reader.ts"

/** What a file is made of. */
export interface Contents<E, R> extends Omit<Header, "writtenAt"> {
  /** In the order of their positions. */
  readonly events: Stream.Stream<Event, E, R>
  /** After the events. None by default. */
  readonly commands?: Stream.Stream<UsedCommand, E, R>
}

/**
 * Writes a file, in pieces of whole lines. With it the events of another system are
 * brought into the format; `Export.lines` writes those of a store. The positions must
 * grow, and the versions of a stream go from 1 on without a gap: an import refuses
 * anything else. The stream may run several times, and gives the same file if its events
 * are the same.
 *
 * @example
 * ```ts
 * import { LogFile, StreamId } from "@hexfold/core"
 * import { DateTime, Stream } from "effect"
 *
 * const lines = LogFile.encode({
 *   log: "the old system",
 *   events: Stream.make({
 *     position: 1,
 *     streamId: StreamId.make("Account", "7"),
 *     version: 1,
 *     id: "5f0c1d9e-0000-4000-8000-000000000001",
 *     type: "Opened",
 *     data: { owner: "Anna" },
 *     metadata: { correlationId: "import", causationId: "import" },
 *     recordedAt: DateTime.makeUnsafe("2009-03-01T09:00:00Z")
 *   })
 * })
 * ```
 */
export const encode = <E = never, R = never>({
  commands = Stream.empty,
  events,
  ...header
}: Contents<E, R>): Stream.Stream<string, E, R> => {
  // An import reads a file twice, and this stream may be the file: so both runs have one time.
  let known: DateTime.Utc | undefined
  return Stream.suspend(() => {
    const writer = makeWriter()
    const first = Effect.map(DateTime.now, (now) => writer.header({ ...header, writtenAt: (known ??= now) }))
    return Stream.fromEffect(first).pipe(
      Stream.concat(Stream.mapAccumArray(events, none, (_, page) => [undefined, writer.events(page)])),
      Stream.concat(Stream.mapAccumArray(commands, none, (_, page) => [undefined, writer.commands(page)])),
      Stream.concat(Stream.suspend(() => Stream.succeed(writer.end())))
    )
  })
}

const none = (): undefined => undefined

/**
 * Reads a file, and checks that it is as it was written: every line belongs after the
 * one before, and the last line is there with the right counts. It holds one line and
 * one chunk in memory. The entries of the lines before a wrong one may have come out
 * already.
 *
 * @example
 * ```ts
 * import { LogFile } from "@hexfold/core"
 * import { Stream } from "effect"
 *
 * declare const file: Stream.Stream<Uint8Array>
 *
 * const events = LogFile.decode(file).pipe(Stream.filter((entry) => entry._tag === "Event"))
 * ```
 */
export const decode = <E, R>(
  file: Stream.Stream<Uint8Array | string, E, R>
): Stream.Stream<Entry, E | InvalidLogFile, R> =>
  Stream.suspend(() => {
    const reader = makeReader()
    const entries = Stream.mapAccumArrayEffect(
      file,
      () => reader,
      (reader, chunks) =>
        Effect.gen(function* () {
          const found: Array<Entry> = []
          for (const chunk of chunks) {
            const read = reader.read(chunk)
            if (Result.isFailure(read)) return yield* read.failure
            for (const entry of read.success) found.push(entry)
          }
          return [reader, found] as const
        })
    )
    const end = Stream.suspend(() => {
      const cut = reader.end()
      return cut === undefined ? Stream.empty : Stream.fail(cut)
    })
    return Stream.concat(entries, end)
  })

/**
 * Compresses a file with gzip.
 *
 * @example
 * ```ts
 * import { Export, LogFile } from "@hexfold/core"
 *
 * const compressed = LogFile.gzip(Export.lines())
 * ```
 */
export const gzip = <E, R>(file: Stream.Stream<Uint8Array | string, E, R>): Stream.Stream<Uint8Array, E, R> =>
  // A compression takes all bytes. What it raises nevertheless is a defect.
  Stream.catchIf(
    through(
      () => new CompressionStream("gzip"),
      (cause) => new Raised({ cause })
    )(bytesOf(file)),
    (error) => error instanceof Raised,
    ({ cause }) => Stream.die(cause)
  )

class Raised extends Data.Error<{ readonly cause: unknown }> {}

/**
 * Decompresses a file that was compressed with gzip.
 *
 * @example
 * ```ts
 * import { LogFile } from "@hexfold/core"
 * import { Stream } from "effect"
 *
 * declare const compressed: Stream.Stream<Uint8Array>
 *
 * const entries = LogFile.decode(LogFile.gunzip(compressed))
 * ```
 */
export const gunzip = <E, R>(file: Stream.Stream<Uint8Array, E, R>): Stream.Stream<Uint8Array, E | InvalidLogFile, R> =>
  through(
    () => new DecompressionStream("gzip"),
    (cause) => new InvalidLogFile({ line: 0, detail: "the file cannot be decompressed: it was cut or changed", cause })
  )(bytesOf(file))

const bytesOf = <E, R>(file: Stream.Stream<Uint8Array | string, E, R>): Stream.Stream<Uint8Array<ArrayBuffer>, E, R> =>
  Stream.map(file, (chunk) => (typeof chunk === "string" ? encoder.encode(chunk) : unshared(chunk)))

const encoder = new TextEncoder()

// The compressions of the platform take no shared memory.
const unshared = ({ buffer, byteLength, byteOffset }: Uint8Array): Uint8Array<ArrayBuffer> =>
  buffer instanceof ArrayBuffer
    ? new Uint8Array(buffer, byteOffset, byteLength)
    : new Uint8Array(new Uint8Array(buffer, byteOffset, byteLength))
