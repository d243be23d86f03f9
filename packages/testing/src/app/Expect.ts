/**
 * What a test expects of decisions, receipts and records. What differs throws a
 * {@link ScenarioFailure} with the difference line by line, in every test runner and in none.
 */
import { type EventStore, Query, Records, type ViewStore } from "@hexfold/core"
import { Effect, Result } from "effect"
import { compare, ScenarioFailure, type Shown } from "../scenarios/compare.ts"
import * as outcome from "../scenarios/outcome.ts"
import { errorOf, inOrder, recordedOf } from "./shown.ts"

export { ScenarioFailure }

/** The events that {@link accepted} expects of a decision. For a boundary they are given by role. */
export type Accepted<Decided> = [Decided] extends [ReadonlyArray<infer Event>]
  ? outcome.Events<Event>
  : [events: Partial<Exclude<Decided, ReadonlyArray<never>>>]

/**
 * The command is accepted and causes exactly these events, in this order; as arguments or
 * as a list. The events of a boundary's decision are given by role; a role that is left
 * out gets none.
 *
 * @example
 * ```ts
 * import { Decision } from "@hexfold/core"
 * import { Expect } from "@hexfold/testing"
 *
 * Expect.accepted(Decision.accept({ _tag: "Deposited", amount: 5 }), { _tag: "Deposited", amount: 5 })
 * ```
 */
export const accepted = <Decided extends object, Error>(
  decision: Result.Result<Decided, Error>,
  ...events: Accepted<Decided>
): void => outcome.accepted(decided(decision), asShown(recordedOf(expectedOf(events))))

/**
 * The command is rejected with exactly this error.
 *
 * @example
 * ```ts
 * import { Decision } from "@hexfold/core"
 * import { Expect } from "@hexfold/testing"
 *
 * Expect.rejected(Decision.reject({ _tag: "Overdrawn", balance: 3 }), { _tag: "Overdrawn", balance: 3 })
 * ```
 */
export const rejected = <Decided extends object, Error>(
  decision: Result.Result<Decided, Error>,
  error: NoInfer<Error>
): void => outcome.rejected(decided(decision), asShown(errorOf(error)))

/** The part of a receipt that {@link recorded} looks at. */
export interface Recorded<out Event> {
  readonly events: ReadonlyArray<EventStore.RecordedEvent<Event>>
}

/**
 * The command has recorded exactly these events, in this order; as arguments or as a list.
 *
 * @example
 * ```ts
 * import { type Aggregate, Executor } from "@hexfold/core"
 * import { Expect } from "@hexfold/testing"
 * import { Effect } from "effect"
 *
 * interface Increment { readonly _tag: "Increment"; readonly by: number }
 * interface Incremented { readonly _tag: "Incremented"; readonly by: number }
 * declare const Counter: Aggregate.Aggregate<"Counter", string, number, Increment, Incremented, never>
 *
 * const test = Effect.gen(function*() {
 *   const receipt = yield* Executor.execute(Counter, "visits", { _tag: "Increment", by: 2 })
 *   Expect.recorded(receipt, { _tag: "Incremented", by: 2 })
 * })
 * ```
 */
export const recorded = <Event extends object>(
  receipt: Recorded<Event>,
  ...events: outcome.Events<NoInfer<Event>>
): void =>
  compare(
    "the command has recorded other events",
    asShown(recordedOf(outcome.listed(events))),
    asShown(recordedOf(receipt.events.map(({ data }) => data)))
  )

/**
 * The view has exactly these records, by key. It looks at the records as they are: wait
 * for the view first, for example with `TestApp.settled`. A difference is a defect with
 * a {@link ScenarioFailure}.
 *
 * @example
 * ```ts
 * import type { Query } from "@hexfold/core"
 * import { Expect, TestApp } from "@hexfold/testing"
 * import { Effect } from "effect"
 *
 * declare const Balances: Query.Versioned<number>
 *
 * const test = Effect.andThen(TestApp.settled, Expect.records(Balances, { anna: 5, ben: 3 }))
 * ```
 */
export const records = <State, Name extends string>(
  view: Query.Versioned<State, Name>,
  expected: Readonly<Record<string, NoInfer<State>>>
): Effect.Effect<void, Records.QueryError, ViewStore.ViewStore> =>
  Effect.gen(function* () {
    const { rows } = yield* Records.query(view, Query.from(view))
    const actual = Object.fromEntries(rows.map(({ key, state }) => [key, state]))
    compare(`${view.name} has other records`, asShown(inOrder(expected)), asShown(inOrder(actual)))
  })

const decided = <Decided extends object, Error>(decision: Result.Result<Decided, Error>): outcome.Decided => ({
  command: "the command",
  about: "",
  outcome: Result.mapBoth(decision, {
    onSuccess: (events) => asShown(recordedOf(events)),
    onFailure: (error) => asShown(errorOf(error))
  })
})

// Different values are shown differently.
const asShown = (json: unknown): Shown => ({ json, value: json })

// A decision of a boundary is an object of lists; everything else is events.
const expectedOf = (events: ReadonlyArray<unknown>): object => {
  const [first] = events
  const isByRole =
    events.length === 1 && typeof first === "object" && first !== null && !Array.isArray(first) && !("_tag" in first)
  return isByRole ? first : outcome.listed(events as outcome.Events<object>)
}
