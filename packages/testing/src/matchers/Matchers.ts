/**
 * The expectations of `Expect` as matchers of Vitest: `toAccept`, `toRejectWith` and
 * `toHaveRecorded`. To import `@hexfold/testing/vitest` registers them, in a test
 * file or in one of Vitest's `setupFiles`.
 *
 * @example
 * ```ts
 * import { Decision } from "@hexfold/core"
 * import "@hexfold/testing/vitest"
 * import { expect, it } from "vitest"
 *
 * it("deposits", () => expect(Decision.accept({ _tag: "Deposited", amount: 5 })).toAccept({ _tag: "Deposited", amount: 5 }))
 * ```
 */
import type { EventStore } from "@hexfold/core"
import { Result } from "effect"
import { expect } from "vitest"
import * as Expect from "../app/Expect.ts"
import type { Events } from "../scenarios/outcome.ts"

/** What the matchers take for a value that is tested; nothing fits if the matcher is not for such values. */
export type EventsOf<T> = [T] extends [Result.Result<infer Decided, unknown>]
  ? Expect.Accepted<Decided>
  : [expectsADecision: never]

/** The error for which a decision may reject. */
export type ErrorOf<T> = [T] extends [Result.Result<unknown, infer Error>] ? Error : never

/** The events of a receipt. */
export type RecordedOf<T> = [T] extends [{ readonly events: ReadonlyArray<EventStore.RecordedEvent<infer Event>> }]
  ? Events<Event>
  : [expectsAReceipt: never]

/** The matchers of decisions and receipts. */
export interface DomainMatchers<R, T> {
  /** The decision accepts the command with exactly these events; those of a boundary by role. */
  readonly toAccept: (...events: EventsOf<T>) => R
  /** The decision rejects the command with exactly this error. */
  readonly toRejectWith: (error: ErrorOf<T>) => R
  /** The command of this receipt has recorded exactly these events. */
  readonly toHaveRecorded: (...events: RecordedOf<T>) => R
}

declare module "vitest" {
  interface Matchers<R extends void | Promise<void> = void | Promise<void>, T = unknown> extends DomainMatchers<R, T> {}
}

interface Answer {
  readonly pass: boolean
  readonly message: () => string
}

/** What an expectation says, as Vitest asks for it. `otherwise` is the message if the opposite was expected. */
const answer = (expectation: () => void, otherwise: string): Answer => {
  try {
    expectation()
    return { pass: true, message: () => otherwise }
  } catch (error) {
    if (!(error instanceof Expect.ScenarioFailure)) throw error
    return { pass: false, message: () => error.message }
  }
}

const decisionOf = (value: unknown): Result.Result<object, unknown> => {
  if (Result.isResult(value)) return value as Result.Result<object, unknown>
  throw new TypeError("the value is not a decision: give what `decide` has returned")
}

const receiptOf = (value: unknown): Expect.Recorded<object> => {
  if (typeof value === "object" && value !== null && "events" in value) return value as Expect.Recorded<object>
  throw new TypeError("the value is not a receipt: give what `Executor.execute` has succeeded with")
}

expect.extend({
  toAccept: (value: unknown, ...events: Accepted) =>
    answer(() => Expect.accepted(decisionOf(value), ...events), "the command was accepted with exactly these events"),
  toRejectWith: (value: unknown, error: unknown) =>
    answer(() => Expect.rejected(decisionOf(value), error), "the command was rejected with exactly this error"),
  toHaveRecorded: (value: unknown, ...events: Events<object>) =>
    answer(() => Expect.recorded(receiptOf(value), ...events), "the command has recorded exactly these events")
})

type Accepted = Expect.Accepted<object>
