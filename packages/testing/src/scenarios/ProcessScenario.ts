/**
 * Tests of a process in the words of its domain: given these events, when this event, timeout or rejection comes, then it
 * sends these commands and waits for these timeouts. Nothing is executed: a process is pure. Depends on no test runner: an
 * outcome that differs throws a {@link ScenarioFailure}.
 */
import type { Process, View } from "@hexfold/core"
import { ScenarioFailure } from "./compare.ts"
import { ofProcess } from "./process.ts"
import type { ProcessScenario } from "./processWords.ts"

export { ScenarioFailure }
export type { Expected, ProcessRecorded, ProcessScenario, ProcessWhen } from "./processWords.ts"

/**
 * The scenarios of a process. An event of no source of the process, an error that a target does not reject with, and a
 * timeout that it does not have do not compile.
 *
 * Events are recorded one second after the other, from 1970 on. Every event and state goes through its JSON and back.
 *
 * @example
 * ```ts
 * import { Aggregate, Decision, Process } from "@hexfold/core"
 * import { ProcessScenario } from "@hexfold/testing"
 * import { Schema } from "effect"
 *
 * class Placed extends Schema.TaggedClass<Placed>()("Placed", { cents: Schema.Int }) {}
 * class Charge extends Schema.TaggedClass<Charge>()("Charge", { cents: Schema.Int }) {}
 * class Charged extends Schema.TaggedClass<Charged>()("Charged", {}) {}
 * class Declined extends Schema.TaggedError<Declined>()("Declined", {}) {}
 *
 * const Order = Aggregate.make("Order", {
 *   id: Schema.String,
 *   state: Schema.Int,
 *   initial: 0,
 *   events: [Placed],
 *   evolve: { Placed: (sum, { cents }) => sum + cents }
 * })
 * const Payment = Aggregate.make("Payment", {
 *   id: Schema.String,
 *   state: Schema.Int,
 *   initial: 0,
 *   commands: [Charge],
 *   events: [Charged],
 *   errors: [Declined],
 *   decide: {
 *     Charge: ({ cents }) => (cents > 100 ? Decision.reject(new Declined()) : Decision.accept(new Charged()))
 *   },
 *   evolve: { Charged: (times) => times + 1 }
 * })
 *
 * const Billing = Process.make("Billing", {
 *   from: [Order],
 *   to: [Payment],
 *   start: "beginning",
 *   state: Schema.Struct({ declined: Schema.Int }),
 *   initial: { declined: 0 },
 *   on: {
 *     Placed: {
 *       key: (_, { id }) => id,
 *       react: (state, { cents }, { id }) => Process.next(state, Process.send(Payment, id, new Charge({ cents })))
 *     }
 *   },
 *   onRejected: { Declined: ({ declined }) => Process.end({ declined: declined + 1 }) }
 * })
 *
 * ProcessScenario.of(Billing)
 *   .when(Order.at("17"), new Placed({ cents: 500 }))
 *   .then({ commands: [Process.send(Payment, "17", new Charge({ cents: 500 }))] })
 *   .whenRejected(Payment, new Declined())
 *   .then({ state: { declined: 1 }, ends: true })
 * ```
 */
export const of = <
  Name extends string,
  State,
  S extends View.Source,
  To extends Process.Target,
  Timeouts extends string
>(
  process: Process.Process<Name, State, S, To, Timeouts>
): ProcessScenario<State, View.EventOf<S>, To, Timeouts> => ofProcess(process)
