import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import { quote } from "../../domain/texts.ts"
import * as AppendCheck from "../../ports/AppendCheck.ts"
import { EventStoreError } from "../../ports/errors.ts"
import type { LogTransfer, UsedCommand } from "../../ports/LogTransfer.ts"
import { Unavailable } from "../../ports/Reason.ts"
import * as TransferCheck from "../../ports/TransferCheck.ts"
import { appendOf, placesOf } from "./appending.ts"
import type { CommandEntry, EventEntry } from "./batches.ts"
import { ImportRefused } from "./errors.ts"
import * as Order from "./order.ts"

/** Compares a file with the log into which it is imported, from its beginning on. */
export interface Fitting {
  /** Refuses events that do not fit. Gives how many of them the log has already: the first ones. */
  readonly events: (
    log: string,
    entries: ReadonlyArray<EventEntry>
  ) => Effect.Effect<number, ImportRefused | EventStoreError>
  /** Refuses commands that do not fit. */
  readonly commands: (entries: ReadonlyArray<CommandEntry>) => Effect.Effect<void, ImportRefused | EventStoreError>
  /** How many events of the file the log has. */
  readonly present: () => number
  /** Takes note of events of the file that were written since. */
  readonly wrote: (events: number) => void
}

/** An event of the file may be so much later than the clock of this process, in milliseconds: the clocks of two servers differ. */
const tolerance = 60_000

/**
 * Makes the comparison. An import writes the events of a file in their order, each
 * batch in one step. So the log has those of an earlier import of the file up to some
 * line and none after it: this line is where the import goes on, and no other record
 * of it is needed.
 */
export const make = (transfer: LogTransfer["Service"], history: number): Effect.Effect<Fitting> =>
  Effect.map(Clock.currentTimeMillis, (now) => {
    const orderProblem = Order.make(DateTime.makeUnsafe(now + tolerance))
    let present = 0
    // The id of the first event that the log does not have.
    let missing: EventEntry | undefined

    const refuse = (line: number, detail: string, cause?: unknown) =>
      new ImportRefused({ line, detail, events: present, ...(cause === undefined ? undefined : { cause }) })

    const place = (
      entry: EventEntry,
      found: string | undefined
    ): Effect.Effect<void, ImportRefused | EventStoreError> => {
      const { event, line } = entry
      if (found === undefined) {
        missing ??= entry
        return Effect.void
      }
      const named = `event ${event.version} of the stream ${quote(event.streamId)}`
      if (found !== event.id)
        return Effect.fail(refuse(line, `${named} is there already, and it is not that of the file`))
      if (missing === undefined) {
        present++
        return Effect.void
      }
      const before = missing
      const detail = `${named} was imported already, but not the event of line ${before.line}, which comes before it`
      return Effect.flatMap(transfer.find(placesOf([before]), []), ({ events }) =>
        Effect.fail(events[0] === undefined ? refuse(line, detail) : underWay(before))
      )
    }

    return {
      present: () => present,
      wrote: (events) => void (present += events),

      events: (log, entries) =>
        Effect.gen(function* () {
          for (const entry of entries) {
            const problem = orderProblem(entry)
            if (problem !== undefined) return yield* refuse(entry.line, problem)
          }
          const refused = refusedOf(log, entries, history)
          if (refused !== undefined) {
            const { error, line } = refused
            return yield* refuse(line, error.reason.detail, error)
          }
          const { events } = yield* transfer.find(placesOf(entries), [])
          const before = present
          for (const [i, entry] of entries.entries()) yield* place(entry, events[i])
          return present - before
        }),

      commands: (entries) =>
        Effect.gen(function* () {
          for (const { command, line } of entries) {
            const error = TransferCheck.check([command])
            if (error !== undefined) return yield* refuse(line, error.reason.detail, error)
          }
          const { commands } = yield* transfer.find(
            [],
            entries.map(({ command }) => command.key)
          )
          for (const [i, { command, line }] of entries.entries()) {
            const found: UsedCommand | undefined = commands[i]
            if (found === undefined || TransferCheck.isSame(found, command)) continue
            return yield* refuse(line, TransferCheck.differs(command, found).reason.detail)
          }
        })
    }
  })

/** The event was not there, and is there now. */
const underWay = ({ line }: EventEntry) =>
  new EventStoreError({
    operation: "transfer",
    reason: new Unavailable({
      detail: `the event of line ${line} was imported by another import of the file meanwhile: repeat this one`
    })
  })

/** The first entry that no store takes, if there is one. */
const refusedOf = (
  log: string,
  entries: ReadonlyArray<EventEntry>,
  history: number
): { readonly line: number; readonly error: EventStoreError } | undefined => {
  const all = AppendCheck.check(appendOf(log, entries, history))
  if (!("_tag" in all)) return undefined
  for (const entry of entries) {
    const one = AppendCheck.check(appendOf(log, [entry], history))
    if ("_tag" in one) return { line: entry.line, error: one }
  }
  return { line: entries[0]!.line, error: all }
}
