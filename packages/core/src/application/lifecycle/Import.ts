/** Brings an exported log into a store, and goes on where an earlier import of the same file has stopped. */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { idProblem } from "../../domain/texts.ts"
import { type CommandIdReused, type ConcurrencyConflict, EventStoreError } from "../../ports/errors.ts"
import { EventStore } from "../../ports/EventStore.ts"
import { LogTransfer } from "../../ports/LogTransfer.ts"
import { Rejected } from "../../ports/Reason.ts"
import { appendOf, placesOf } from "./appending.ts"
import { type Batch, type EventEntry, gather, nothing, rest } from "./batches.ts"
import { ImportRefused, InvalidLogFile } from "./errors.ts"
import * as Fitting from "./fitting.ts"
import { decode } from "./LogFile.ts"

/** How far an import has come. */
export interface Progress {
  /** Whether the file is still checked, or written to the log. */
  readonly phase: "checking" | "writing"
  /** How many events of the file were looked at in this phase. */
  readonly events: number
  /** How many commands of the file were looked at in this phase. They come after the events. */
  readonly commands: number
  /** How many events this run has written. The log had the others already. */
  readonly written: number
  /** How many there are in the file. Known when the file was checked. */
  readonly total?: { readonly events: number; readonly commands: number }
}

/** How a file is imported. */
export interface Options {
  /**
   * `first`: the file is read twice, and nothing is written unless all of it is right and fits the log. `along`: the
   * file is read once, and each batch is checked before it is written; what comes before a wrong line is then imported.
   * It is meant for a stream that can run only once, such as the body of a request. `first` by default.
   */
  readonly check?: "first" | "along"
  /** The most events that are written in one step: from 1 to 10,000, and 1,000 by default. */
  readonly batchSize?: number
}

/** Why an import can end. */
export type Failure = InvalidLogFile | ImportRefused | EventStoreError

type File<E, R> = Stream.Stream<Uint8Array | string, E, R>

/**
 * Imports a file, and tells after each batch how far it is. `run` does the same
 * without telling. The last progress is that of the whole file.
 *
 * Events keep their order, streams, versions, ids, times and metadata. They get new
 * positions, and `metadata.origin` has the old one. Then the commands of the file are
 * remembered: one that is repeated is answered with the events that it has here.
 *
 * The import may be stopped at any moment. When the same file is imported again, or a
 * later export of the same log, it goes on where it has stopped.
 *
 * Other appends go on beside an import, to streams that are not in the file. Readers
 * miss none of its events. (1) Its events are written by ordinary appends, each whole
 * or not at all. (2) So their positions are drawn under the same lock as all others,
 * and the horizon waits for them. (3) Each batch names the version that each of its
 * streams must have, and the history of the log in which it was compared with the
 * file: a batch is not written twice, and not after one that was lost.
 *
 * @example
 * ```ts
 * import { Import } from "@hexfold/core"
 * import { Console, Effect, FileSystem, Stream } from "effect"
 *
 * const program = Effect.gen(function*() {
 *   const files = yield* FileSystem.FileSystem
 *   yield* Stream.runForEach(Import.steps(files.stream("log.ndjson")), ({ events, phase }) =>
 *     Console.log(`${phase}: ${events} events`)
 *   )
 * })
 * ```
 */
export const steps = <E, R>(
  file: File<E, R>,
  options: Options = {}
): Stream.Stream<Progress, E | Failure, R | EventStore | LogTransfer> =>
  Stream.unwrap(
    Effect.gen(function* () {
      const { store, fitting, history, transfer } = yield* begin(options)
      if (options.check === "along") return writing(file, options, { store, transfer, history, fitting })
      const checked = unchecked()
      return Stream.concat(
        checking(file, options, fitting, checked),
        Stream.suspend(() => writing(file, options, { store, transfer, history, present: fitting.present(), checked }))
      )
    })
  )

/**
 * Imports a file, like {@link steps}, and gives what was done.
 *
 * @example
 * ```ts
 * import { Import } from "@hexfold/core"
 * import { Stream } from "effect"
 *
 * declare const body: Stream.Stream<Uint8Array>
 *
 * const program = Import.run(body, { check: "along" })
 * ```
 */
export const run = <E, R>(
  file: File<E, R>,
  options: Options = {}
): Effect.Effect<Progress, E | Failure, R | EventStore | LogTransfer> => lastOf(steps(file, options))

/**
 * Checks a file and whether it fits the log, and writes nothing.
 *
 * @example
 * ```ts
 * import { Import } from "@hexfold/core"
 * import { Effect, FileSystem } from "effect"
 *
 * const program = Effect.gen(function*() {
 *   const files = yield* FileSystem.FileSystem
 *   const { commands, events } = yield* Import.check(files.stream("log.ndjson"))
 *   return { commands, events }
 * })
 * ```
 */
export const check = <E, R>(
  file: File<E, R>,
  options: Pick<Options, "batchSize"> = {}
): Effect.Effect<Progress, E | Failure, R | EventStore | LogTransfer> =>
  Effect.flatMap(begin(options), ({ fitting }) => lastOf(checking(file, options, fitting, unchecked())))

// A file without a line is refused, so there is a last progress.
const lastOf = <E, R>(progress: Stream.Stream<Progress, E, R>): Effect.Effect<Progress, E, R> =>
  Effect.map(Stream.runLast(progress), Option.getOrThrow)

const begin = ({ batchSize = defaultBatch }: Options) =>
  Effect.gen(function* () {
    const store = yield* EventStore
    const transfer = yield* LogTransfer
    const isJoined = yield* Effect.contextWith((context: Context.Context<never>) =>
      Effect.succeed(store.inTransaction?.(context) === true)
    )
    if (isJoined) return yield* rejected("an import runs in transactions of its own: run it outside of yours")
    if (!Number.isSafeInteger(batchSize) || batchSize < 1 || batchSize > mostInBatch) {
      return yield* rejected(`batchSize: ${batchSize} is not a whole number from 1 to ${mostInBatch}`)
    }
    // Before anything is compared: in a later history the log may lack what was found.
    const { history } = Option.getOrThrow(yield* Stream.runHead(store.horizons))
    return { store, transfer, history, fitting: yield* Fitting.make(transfer, history) }
  })

const defaultBatch = 1_000
const mostInBatch = 10_000

const rejected = (detail: string) => new EventStoreError({ operation: "transfer", reason: new Rejected({ detail }) })

// While a batch is with the store, the next one is read.
const batchesOf = <E, R>(file: File<E, R>, batchSize = defaultBatch): Stream.Stream<Batch, E | InvalidLogFile, R> =>
  decode(file).pipe(Stream.mapAccumArray(nothing, gather(batchSize), { onHalt: rest }), Stream.buffer({ capacity: 1 }))

/** How many of some events the log has already: the first ones. */
const presentOf = (
  transfer: LogTransfer["Service"],
  entries: ReadonlyArray<EventEntry>
): Effect.Effect<number, EventStoreError> =>
  Effect.map(transfer.find(placesOf(entries), []), ({ events }) => {
    const first = entries.findIndex(({ event }, i) => events[i] !== event.id)
    return first < 0 ? entries.length : first
  })

/** What was found out of a file before it is written. */
interface Checked {
  header: string
  end: string
  events: number
  commands: number
}

const unchecked = (): Checked => ({ header: "", end: "", events: 0, commands: 0 })

const checking = <E, R>(
  file: File<E, R>,
  { batchSize }: Options,
  fitting: Fitting.Fitting,
  checked: Checked
): Stream.Stream<Progress, E | Failure, R> =>
  Stream.suspend(() => {
    let log = ""
    const done = { phase: "checking" as const, events: 0, commands: 0, written: 0 }
    return Stream.mapEffect(batchesOf(file, batchSize), (batch) =>
      Effect.gen(function* () {
        switch (batch._tag) {
          case "Header":
            log = yield* logOf(batch)
            checked.header = batch.hash
            break
          case "Events":
            yield* fitting.events(log, batch.entries)
            done.events += batch.entries.length
            break
          case "Commands":
            yield* fitting.commands(batch.entries)
            done.commands += batch.entries.length
            break
          case "End":
            Object.assign(checked, batch.end, { end: batch.hash })
        }
        return { ...done }
      })
    )
  })

type HeaderBatch = Extract<Batch, { readonly _tag: "Header" }>

const logOf = ({ header, line }: HeaderBatch): Effect.Effect<string, InvalidLogFile> => {
  const problem = idProblem("log", header.log)
  return problem === undefined ? Effect.succeed(header.log) : Effect.fail(new InvalidLogFile({ line, detail: problem }))
}

/** What writing needs. Either the file was checked, or it is compared with the log batch by batch. */
interface Target {
  readonly store: EventStore["Service"]
  readonly transfer: LogTransfer["Service"]
  /** The history of the log in which it was compared with the file. */
  readonly history: number
  readonly fitting?: Fitting.Fitting
  readonly checked?: Checked
  /** How many events of the file the log has already. */
  readonly present?: number
}

const writing = <E, R>(
  file: File<E, R>,
  { batchSize }: Options,
  { checked, fitting, history, present = 0, store, transfer }: Target
): Stream.Stream<Progress, E | Failure, R> =>
  Stream.suspend(() => {
    let log = ""
    const done = {
      phase: "writing" as const,
      events: 0,
      commands: 0,
      written: 0,
      ...(checked && { total: { events: checked.events, commands: checked.commands } })
    }
    const refused =
      (line: number) =>
      (error: EventStoreError | ConcurrencyConflict | CommandIdReused): Effect.Effect<never, Failure> => {
        if (error._tag === "EventStoreError" && error.reason._tag !== "Rejected") return Effect.fail(error)
        const detail = error._tag === "EventStoreError" ? error.reason.detail : error.message
        return Effect.fail(
          new ImportRefused({ line, detail, events: fitting?.present() ?? present + done.written, cause: error })
        )
      }
    // An append that was given up, or of another import of this file, may have come between: then it is looked again.
    const append = (entries: ReadonlyArray<EventEntry>): Effect.Effect<number, Failure> =>
      entries.length === 0
        ? Effect.succeed(0)
        : store.append(appendOf(log, entries, history)).pipe(
            Effect.as(entries.length),
            Effect.catch((error) =>
              error._tag !== "ConcurrencyConflict"
                ? refused(entries[0]!.line)(error)
                : Effect.flatMap(presentOf(transfer, entries), (there) => {
                    if (there > 0) return append(entries.slice(there))
                    const first = entries.find(({ event }) => event.streamId === error.stream)
                    return refused(first!.line)(error)
                  })
            )
          )
    const changed = (line: number, hash: string, before: string | undefined) =>
      before === undefined || before === hash
        ? Effect.void
        : Effect.fail(new InvalidLogFile({ line, detail: "the file has changed since it was checked" }))

    return Stream.mapEffect(batchesOf(file, batchSize), (batch) =>
      Effect.gen(function* () {
        switch (batch._tag) {
          case "Header":
            yield* changed(batch.line, batch.hash, checked?.header)
            log = yield* logOf(batch)
            break
          case "Events": {
            const { entries } = batch
            const there = fitting ? yield* fitting.events(log, entries) : Math.max(0, present - done.events)
            const missing = entries.slice(there)
            const written = yield* append(missing)
            done.events += entries.length
            done.written += written
            fitting?.wrote(missing.length)
            break
          }
          case "Commands": {
            const { entries } = batch
            if (fitting) yield* fitting.commands(entries)
            const commands = entries.map(({ command }) => command)
            yield* transfer.record(commands).pipe(Effect.catch(refused(entries[0]!.line)))
            done.commands += entries.length
            break
          }
          case "End":
            yield* changed(batch.line, batch.hash, checked?.end)
        }
        return { ...done }
      })
    )
  })
