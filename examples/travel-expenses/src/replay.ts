import { type EventStore, Executor, Metadata } from "@hexfold/core"
import { Deferred, Effect, Schedule } from "effect"
import { Budget, Grant } from "./Budget.ts"
import { Declaration } from "./Declaration.ts"
import { HandlePayment } from "./HandlePayment.ts"
import type { Row } from "./Row.ts"

/** The outcome of all rows. */
export interface Outcome {
  accepted: number
  /** The number of accepted rows that had been executed before. */
  repeated: number
  /** The position of the last event. */
  position: number
  /** The number of rejected rows, by the error's tag. */
  readonly rejected: Map<string, number>
}

// A server that restarts is back within seconds. The commands have ids, so it is safe to try again. Payments that race
// for one budget, in this program without a cache or in another process, all succeed in the end.
const patiently = Schedule.max([
  Schedule.min([Schedule.exponential("50 millis"), Schedule.spaced("1 second")]),
  Schedule.during("2 minutes")
])

/** Grants each budget of the log the same amount. A budget that has this amount already is left alone. */
export const grantBudgets = (
  rows: ReadonlyArray<Row>,
  cents: number
): Effect.Effect<void, Executor.ExecuteError, EventStore.EventStore> =>
  Effect.forEach(
    new Set(rows.map(({ budget }) => budget)),
    (budget) =>
      Executor.execute(Budget, budget, new Grant({ cents })).pipe(
        // Only a charge is rejected with this error.
        Effect.catchTag("BudgetExceeded", Effect.die)
      ),
    { discard: true }
  )

/**
 * Executes each row as a command. Many rows are executed at once, but the rows
 * of one declaration one after the other. A payment is a command on the
 * declaration and its budget. A rejected row is counted. Any other failure
 * stops the replay.
 */
export const replay = (
  rows: ReadonlyArray<Row>,
  options: { readonly concurrency: number; readonly onRow: () => void }
): Effect.Effect<Outcome, Executor.BoundaryError, EventStore.EventStore> =>
  Effect.gen(function* () {
    const outcome: Outcome = { accepted: 0, repeated: 0, position: 0, rejected: new Map() }
    const reject = (error: { readonly _tag: string }) =>
      Effect.sync(() => void outcome.rejected.set(error._tag, (outcome.rejected.get(error._tag) ?? 0) + 1))
    const last = new Map<string, Deferred.Deferred<void>>()

    const execute = ({ budget, command, commandId, declaration, role }: Row) =>
      Effect.gen(function* () {
        const { position, repeated } =
          command._tag === "HandlePayment"
            ? yield* Executor.execute(
                HandlePayment,
                { ...command, declaration, budget },
                { commandId, retry: patiently }
              )
            : yield* Executor.execute(Declaration, declaration, command, { commandId })
        outcome.accepted++
        if (repeated) outcome.repeated++
        outcome.position = Math.max(outcome.position, position)
      }).pipe(
        Effect.retry({
          schedule: patiently,
          while: (error) => error._tag === "EventStoreError" && error.isRetryable
        }),
        Metadata.with({ correlationId: declaration, actor: role }),
        Effect.catchTag(
          [
            "NotNew",
            "NotWithEmployee",
            "NotInApproval",
            "NotChecked",
            "NotRejected",
            "NotApproved",
            "PaymentNotRequested",
            "StepOutOfOrder",
            "OtherBudget",
            "BudgetExceeded"
          ],
          reject
        )
      )

    yield* Effect.forEach(
      rows,
      (row) =>
        Effect.gen(function* () {
          // Rows start in their order, so the row before this one has started and will end.
          const before = last.get(row.declaration)
          const done = Deferred.makeUnsafe<void>()
          last.set(row.declaration, done)
          if (before !== undefined) yield* Deferred.await(before)
          // In memory a row never waits, so the projections and the progress bar would never get their turn.
          yield* Effect.yieldNow
          yield* execute(row)
          yield* Deferred.succeed(done, undefined)
          options.onRow()
        }),
      { concurrency: options.concurrency, discard: true }
    )
    return outcome
  })
