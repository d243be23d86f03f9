/** What a reactor writes to the log of the program, and what it counts. A text has no data of an event. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type { Consumer } from "../../../domain/view/consumer.ts"
import { reported, withMessage } from "../../../internal/reported.ts"
import type { DeadLetter } from "../../../ports/deadLetter.ts"
import type { Part } from "../../../ports/generation.ts"
import { warnOfDeadLetter } from "../../projections/worker/reports.ts"
import * as metrics from "./metrics.ts"

/** What is reported of one owner. */
export type Reports = ReturnType<typeof makeReports>

/** The reports of a reactor in this process. */
export const makeReports = (consumer: Consumer) => {
  const { name, version } = consumer
  const place = `${name}, version ${version}`
  const meanwhile = "its events wait meanwhile"
  const reportedOf = (failing: string, again?: string) =>
    reported({
      failing: `${place}: ${failing}`,
      meanwhile,
      ...(again === undefined ? {} : { again: `${place}: ${again}` }),
      write: withMessage
    })
  const stores = reportedOf("goes on after a failure of the store")
  const handlers = reportedOf("a handler has failed and is run again")
  const waiting = reportedOf("a handler waits for what cannot be reached")
  const unknown = reportedOf(
    "waits before an event that only a newer program knows",
    "goes on after an event that was unknown"
  )
  const leases = reportedOf("has lost its lease, and claims it again")
  const refused = reportedOf("does not work", "works again")

  return {
    stores,
    unknown,
    refused,
    left: Effect.logWarning(`${place}: leaves a handler behind that did not end when it was interrupted`),
    yields: Effect.logInfo(`${place}: ends its work, because a higher version takes over`),

    /** Reports an attempt of a handler that has failed. */
    failing: (error: unknown, waits: boolean): Effect.Effect<void> =>
      Effect.andThen(
        Effect.contextWith((context) => Effect.sync(() => metrics.of(name).failure(context))),
        (waits ? waiting : handlers).failed(Cause.fail(error))
      ),

    /** Reports a commit, with the dead letters that it has written. */
    committed: (handled: number, letters: ReadonlyArray<DeadLetter>): Effect.Effect<void> =>
      Effect.contextWith((context) => {
        const parked = letters.filter((letter) => letter.parked).length
        metrics.of(name).commit({ handled, parked, skipped: letters.length - parked }, context)
        const succeeded = handled === 0 ? [stores, leases] : [stores, leases, handlers, waiting, unknown]
        return Effect.andThen(
          Effect.forEach(succeeded, (each) => each.succeeded, { discard: true }),
          Effect.forEach(letters, (letter) => warnOfDeadLetter(consumer, letter), { discard: true })
        )
      }),

    /** Reports that the lease is lost, and why. */
    lost: ({ index, of }: Part, why: string): Effect.Effect<void> =>
      leases.failed(Cause.fail(new Error(`${of === 1 ? "" : `part ${index + 1} of ${of}: `}${why}`)))
  }
}
