import { type EventStore, Executor, Metadata } from "@hexfold/core"
import { Deferred, Effect, Schedule } from "effect"
import { Declaration } from "./Declaration.ts"
import type { Row } from "./Row.ts"

/** What came of the rows. */
export interface Outcome {
  accepted: number
  /** Of the accepted, how many had been executed before. */
  repeated: number
  /** How many rows were rejected, by the error's tag. */
  readonly rejected: Map<string, number>
}

// A server that restarts is back within seconds; its commands have ids, so trying again is safe.
const whileRetryable = Schedule.max([
  Schedule.min([Schedule.exponential("50 millis"), Schedule.spaced("1 second")]),
  Schedule.during("2 minutes")
])

/**
 * Executes each row as a command, many at once, those of one declaration one
 * after the other. A rejected row is counted, not an error; anything else that
 * fails stops the replay.
 */
export const replay = (
  rows: ReadonlyArray<Row>,
  options: { readonly concurrency: number; readonly onRow: () => void }
): Effect.Effect<Outcome, Executor.ExecuteError, EventStore.EventStore> =>
  Effect.gen(function* () {
    const outcome: Outcome = { accepted: 0, repeated: 0, rejected: new Map() }
    const reject = (error: { readonly _tag: string }) =>
      Effect.sync(() => void outcome.rejected.set(error._tag, (outcome.rejected.get(error._tag) ?? 0) + 1))
    const last = new Map<string, Deferred.Deferred<void>>()

    const execute = ({ command, commandId, declaration, role }: Row) =>
      Executor.execute(Declaration, declaration, command, { commandId }).pipe(
        Effect.retry({
          schedule: whileRetryable,
          while: (error) => error._tag === "EventStoreError" && error.isRetryable
        }),
        Metadata.with({ correlationId: declaration, actor: role }),
        Effect.map(({ repeated }) => {
          outcome.accepted++
          if (repeated) outcome.repeated++
        }),
        Effect.catchTag(
          [
            "NotNew",
            "NotWithEmployee",
            "NotInApproval",
            "NotChecked",
            "NotRejected",
            "NotApproved",
            "PaymentNotRequested",
            "StepOutOfOrder"
          ],
          reject
        )
      )

    yield* Effect.forEach(
      rows,
      (row) =>
        Effect.gen(function* () {
          // Rows start in their order, so the one before has started and will end.
          const before = last.get(row.declaration)
          const done = Deferred.makeUnsafe<void>()
          last.set(row.declaration, done)
          if (before !== undefined) yield* Deferred.await(before)
          yield* execute(row)
          yield* Deferred.succeed(done, undefined)
          options.onRow()
        }),
      { concurrency: options.concurrency, discard: true }
    )
    return outcome
  })
