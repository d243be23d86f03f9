import { type EventStore, Executor, Metadata } from "@hexfold/core"
import { Deferred, Effect, Schedule } from "effect"
import { Budget, Grant } from "./Budget.ts"
import { Declaration } from "./Declaration.ts"
import { HandlePayment } from "./HandlePayment.ts"
import type { Row } from "./Row.ts"

/** What came of the rows. */
export interface Outcome {
  accepted: number
  /** Of the accepted, how many had been executed before. */
  repeated: number
  /** The position of the last event. */
  position: number
  /** How many rows were rejected, by the error's tag. */
  readonly rejected: Map<string, number>
}

// A server that restarts is back within seconds; its commands have ids, so trying again is safe. Where payments
// race for a budget, of this program without a cache or of another, each gets in at some time.
const patiently = Schedule.max([
  Schedule.min([Schedule.exponential("50 millis"), Schedule.spaced("1 second")]),
  Schedule.during("2 minutes")
])

/** Grants each budget of the log the same amount, unless it has exactly that. */
export const grantBudgets = (
  rows: ReadonlyArray<Row>,
  cents: number
): Effect.Effect<void, Executor.ExecuteError, EventStore.EventStore> =>
  Effect.forEach(
    new Set(rows.map(({ budget }) => budget)),
    (budget) =>
      Executor.execute(Budget, budget, new Grant({ cents })).pipe(
        // Only a charge is rejected so.
        Effect.catchTag("BudgetExceeded", Effect.die)
      ),
    { discard: true }
  )

/**
 * Executes each row as a command, many at once, those of one declaration one
 * after the other; a payment is a command on the declaration and its budget.
 * A rejected row is counted, not an error; anything else that fails stops the
 * replay.
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
          // Rows start in their order, so the one before has started and will end.
          const before = last.get(row.declaration)
          const done = Deferred.makeUnsafe<void>()
          last.set(row.declaration, done)
          if (before !== undefined) yield* Deferred.await(before)
          // In memory nothing makes a row wait, but others want their turn: the projections, and the progress bar.
          yield* Effect.yieldNow
          yield* execute(row)
          yield* Deferred.succeed(done, undefined)
          options.onRow()
        }),
      { concurrency: options.concurrency, discard: true }
    )
    return outcome
  })
