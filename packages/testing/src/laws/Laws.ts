/**
 * Laws that every domain keeps, and laws of your own, on thousands of generated histories. Depends on no test runner: a
 * law that does not hold throws a {@link LawFailure} with the shortest history that shows it, as code.
 */
import type { Aggregate, Boundary, Process, Query, View } from "@hexfold/core"
import { QueryEvaluation } from "@hexfold/core/adapter"
import { Effect, Random, Result } from "effect"
import type * as Arbitraries from "../histories/Arbitraries.ts"
import type { Distribution, Member, States } from "../histories/Histories.ts"
import { targetOf } from "../histories/members.ts"
import { isBoundary, type Run, type Tagged } from "../histories/world.ts"
import { type Broken, broken } from "./broken.ts"
import type { Options } from "./checking.ts"
import { checkMember, checkView, isProcess, isView } from "./checks.ts"
import { decisionLaws } from "./decisionLaws.ts"
import { LawFailure } from "./failure.ts"
import { printed } from "../histories/printed.ts"
import { formerLaw } from "./formerHistories.ts"
import { checkProcess } from "./processLaws.ts"
import { checkFormer } from "./formerLaws.ts"
import { eachRecords, formerViewLaw, viewLaws } from "./viewLaws.ts"
import { statesOf, type Steps, stepsOf } from "./steps.ts"

export { LawFailure, type Options }

/** An aggregate, or what `Arbitraries.of` has made of it. */
export type AggregateMember<Name extends string, Id, State, Command extends Tagged, Event extends Tagged, Error> =
  | Aggregate.Aggregate<Name, Id, State, Command, Event, Error>
  | Arbitraries.OfAggregate<Name, Id, State, Command, Event, Error>

/** A boundary, or what `Arbitraries.of` has made of it. */
export type BoundaryMember<Name extends string, Command extends Tagged, States, Event, Error> =
  | Boundary.Boundary<Name, Command, States, Event, Error>
  | Arbitraries.OfBoundary<Name, Command, States, Event, Error>

/** Options for the laws of a process. */
export interface ProcessOptions<Tag extends string> extends Options {
  /**
   * Kinds of events, named as in `on`, whose order counts: the first of them decides what the process does, and that is
   * meant. The law of interleavings keeps their order, also between streams. `"all"` leaves that law out.
   */
  readonly ordered?: ReadonlyArray<ReadonlyArray<Tag>> | "all"
}

/**
 * Checks the laws that every aggregate, boundary, view or process keeps.
 *
 * Of an aggregate and a boundary: `decide` and `evolve` do not throw, are deterministic, do not change their inputs, and
 * do not depend on the order of keys. `decide` causes only declared events, for roles that may have them, and rejects
 * only with declared errors. Every event, every state and every error comes back from a store as it was, and what was
 * stored leads to the state that decided.
 *
 * Of a view: every event can be applied, `evolve` does not change its inputs, and the records do not depend on where a
 * batch ends, on the order of keys, or (where a record has events of one stream) on the order of streams.
 *
 * Of a process, in histories in which its commands are executed: its handlers do not throw, are deterministic, do not
 * change their inputs, and do not depend on the order of keys. Every command, every state and every step comes back from a
 * store as it was, and what was stored leads to the process that decided. Every command can be executed, every rejection
 * and every timeout has a handler, and the process comes to an end when nobody else does anything. What happens to it ends
 * alike (the same state, commands and timeouts) in each order that keeps the order of each stream, and an event after what
 * has led to it. Where the order is meant to count, `ordered` says so.
 *
 * Of former versions and of retired events (see `Versions`): every stored event becomes current events that come back from
 * a store as they were, and every command of an older client becomes a current one or an `InvalidCommand`. The steps are
 * deterministic, do not change their inputs, and do not depend on the order of keys. What older programs have stored can
 * be applied where an event of its kind stands, in the state and in the records of a view.
 *
 * It also fails if no generated command causes an event, because then nothing was shown.
 *
 * @example
 * ```ts
 * import { Aggregate, Decision } from "@hexfold/core"
 * import { Laws } from "@hexfold/testing"
 * import { Schema } from "effect"
 *
 * class Increment extends Schema.TaggedClass<Increment>()("Increment", { by: Schema.Int }) {}
 * class Incremented extends Schema.TaggedClass<Incremented>()("Incremented", { by: Schema.Int }) {}
 *
 * const Counter = Aggregate.make("Counter", {
 *   id: Schema.String,
 *   state: Schema.Int,
 *   initial: 0,
 *   commands: [Increment],
 *   events: [Incremented],
 *   decide: { Increment: ({ by }) => Decision.accept(new Incremented({ by })) },
 *   evolve: { Incremented: (count, { by }) => count + by }
 * })
 *
 * Laws.check(Counter)
 * ```
 */
export const check: {
  <Name extends string, State, S extends View.Source, To extends Process.Target, Timeouts extends string>(
    process: Process.Process<Name, State, S, To, Timeouts>,
    options?: ProcessOptions<Process.Tags<S>>
  ): Distribution
  <Name extends string, State, Event extends Tagged, In extends View.Envelope<string, unknown>>(
    view: View.View<Name, State, Event, In>,
    options?: Options
  ): Distribution
  (member: Member, options?: Options): Distribution
} = (target: Member | View.Any | Process.Any, options: ProcessOptions<string> = {}): Distribution => {
  const { former = true, ordered = [], runs = 1_000, seed = Effect.runSync(Random.nextInt) } = options
  const seeded = { ...options, seed }
  if (isProcess(target)) {
    checkFormer(targetOf(target.log), { runs, seed })
    return checkProcess(target, { runs: 300, steps: 10, ...seeded, ordered })
  }
  if (isView(target)) {
    const law = viewLaws(target)
    return checkView(target, former ? (run) => law(run) ?? formerViewLaw(target, seed)(run) : law, seeded)
  }
  checkFormer(targetOf(target), { runs, seed })
  const older = former ? formerLaw(targetOf(target).name, seed) : () => undefined
  return checkMember(target, (run) => decisionLaws(run) ?? older(run), seeded)
}

/**
 * Checks that a predicate holds of the initial state and of every state that a command can lead to; for a view, of its
 * records after each command (and of the states of the aggregates at that time).
 *
 * @example
 * ```ts
 * import type { Aggregate, View } from "@hexfold/core"
 * import { Laws } from "@hexfold/testing"
 *
 * interface Deposited { readonly _tag: "Deposited"; readonly amount: number }
 * declare const Account: Aggregate.Aggregate<"Account", string, number, { readonly _tag: "Deposit" }, Deposited, never>
 * declare const Balances: View.View<"Balances", number, Deposited, View.Envelope<"Account", string>>
 *
 * const test = () => {
 *   Laws.invariant(Account, "balance is never negative", (balance) => balance >= 0)
 *   Laws.invariant(Balances, "a record has the balance of its account", (records, states) =>
 *     [...states.of(Account)].every(([id, balance]) => (records.get(id) ?? 0) === balance)
 *   )
 * }
 * ```
 */
export const invariant: {
  <Name extends string, State, Event extends Tagged, In extends View.Envelope<string, unknown>>(
    view: View.View<Name, State, Event, In>,
    law: string,
    holds: (records: ReadonlyMap<string, State>, states: States) => boolean,
    options?: Options
  ): Distribution
  <Name extends string, Id, State, Command extends Tagged, Event extends Tagged, Error>(
    aggregate: AggregateMember<Name, Id, State, Command, Event, Error>,
    law: string,
    holds: (state: State) => boolean,
    options?: Options
  ): Distribution
} = (
  target: Member | View.Any,
  law: string,
  holds: (state: never, states: States) => boolean,
  options: Options = {}
): Distribution =>
  isView(target)
    ? checkView(
        target,
        eachRecords(target, (records, states, { shown }) => broken(law, () => holds(records as never, states), shown)),
        options
      )
    : checkMember(
        target,
        statesLaw(target, law, (state) => holds(state as never, noStates)),
        options
      )

// The states are only for the predicate of a view.
const noStates: States = { of: () => new Map() }

const statesLaw = (member: Member, law: string, holds: (state: unknown) => boolean) => {
  const target = targetOf(member)
  return ({ steps }: Run): Broken | undefined => {
    const of = (state: unknown, detail: () => string) => broken(law, () => holds(state), detail)
    if (!isBoundary(target)) {
      const { initial } = target
      const found = of(initial, () => `The initial state is ${printed(initial)}.`)
      if (found !== undefined) return found
    }
    for (const { after, before, events } of statesOf(steps, target.name)) {
      const found = of(
        after,
        () => `${events.map(printed).join(", ")} led from ${printed(before)} to ${printed(after)}.`
      )
      if (found !== undefined) return found
    }
    return undefined
  }
}

/**
 * Checks that a predicate holds of every step of a history: of the state before an event, the state after it, and the
 * event.
 *
 * @example
 * ```ts
 * import type { Aggregate } from "@hexfold/core"
 * import { Laws } from "@hexfold/testing"
 *
 * interface State { readonly isClosed: boolean }
 * declare const Account: Aggregate.Aggregate<"Account", string, State, { readonly _tag: "Close" }, { readonly _tag: "Closed" }, never>
 *
 * const test = () =>
 *   Laws.always(Account, "once closed, always closed", (before, after) => !before.isClosed || after.isClosed)
 * ```
 */
export const always = <Name extends string, Id, State, Command extends Tagged, Event extends Tagged, Error>(
  aggregate: AggregateMember<Name, Id, State, Command, Event, Error>,
  law: string,
  holds: (before: NoInfer<State>, after: NoInfer<State>, event: NoInfer<Event>) => boolean,
  options: Options = {}
): Distribution => {
  const { name } = targetOf(aggregate)
  return checkMember(
    aggregate,
    ({ steps }) => {
      for (const { after, before, event } of stepsOf(steps, name) as Steps<State, Event>) {
        const found = broken(
          law,
          () => holds(before, after, event),
          () => `${printed(event)} led from ${printed(before)} to ${printed(after)}.`
        )
        if (found !== undefined) return found
      }
      return undefined
    },
    options
  )
}

/**
 * Checks that a boundary changes nothing about a measure of its participants' states: what one stream loses, another
 * one gets.
 *
 * @example
 * ```ts
 * import type { Boundary } from "@hexfold/core"
 * import { Laws } from "@hexfold/testing"
 *
 * interface Transfer { readonly _tag: "Transfer"; readonly from: string; readonly to: string }
 * interface Moved { readonly _tag: "Moved"; readonly by: number }
 * declare const Transfer: Boundary.Boundary<"Transfer", Transfer, { readonly from: number; readonly to: number }, Moved, never>
 *
 * const test = () => Laws.conserved(Transfer, "money", ({ from, to }) => from + to)
 * ```
 */
export const conserved = <Name extends string, Command extends Tagged, States, Event, Error>(
  boundary: BoundaryMember<Name, Command, States, Event, Error>,
  what: string,
  measure: (states: NoInfer<States>) => number | bigint,
  options: Options = {}
): Distribution => {
  const { name } = targetOf(boundary)
  return checkMember(
    boundary,
    ({ steps }) => {
      for (const { outcome, parts, roles, states, target } of steps) {
        if (target.name !== name || outcome._tag !== "Accepted") continue
        const after = Object.fromEntries(
          Object.entries(roles).map(([role, players]) => {
            const own = parts.flatMap((part) => (part.role === role ? [part.after.state] : []))
            return [role, Array.isArray(players) ? own : own[0]]
          })
        )
        const found = broken(
          `${what} is conserved`,
          // The states are those of this boundary's roles.
          () => isEqual(measure(states as States), measure(after as States)),
          () => `The states were ${printed(states)} and became ${printed(after)}.`
        )
        if (found !== undefined) return found
      }
      return undefined
    },
    options
  )
}

// Sums of fractions are not exact. An infinite measure is only like itself, and so is NaN.
const isEqual = (one: number | bigint, other: number | bigint): boolean =>
  typeof one === "bigint" || typeof other === "bigint" || (Number.isInteger(one) && Number.isInteger(other))
    ? one === other
    : Object.is(one, other) || Math.abs(one - other) <= 1e-9 * Math.max(1, Math.min(Math.abs(one), Math.abs(other)))

/**
 * Checks that a query finds exactly the records that a predicate accepts, in every history. All pages count: the query's
 * `limit` and `after` do not matter.
 *
 * @example
 * ```ts
 * import { Query, type View } from "@hexfold/core"
 * import { Laws } from "@hexfold/testing"
 *
 * interface Deposited { readonly _tag: "Deposited"; readonly amount: number }
 * interface Balance { readonly balance: number }
 * declare const Balances: View.View<"Balances", Balance, Deposited, View.Envelope<"Account", string>>
 *
 * const test = () =>
 *   Laws.finds(
 *     Balances,
 *     Query.from(Balances, { where: ({ gt }) => gt("balance", 100) }),
 *     ({ balance }) => balance > 100
 *   )
 * ```
 */
export const finds = <Name extends string, State, Event extends Tagged, In extends View.Envelope<string, unknown>>(
  view: View.View<Name, State, Event, In>,
  query: Query.Query<unknown, Name>,
  accepts: (state: State, key: string) => boolean,
  options: Options = {}
): Distribution => {
  const { after: _, ...first } = query
  const whole = QueryEvaluation.prepared(view, { ...first, limit: Number.MAX_SAFE_INTEGER })
  return checkView(
    view,
    eachRecords(view, (records, _, { shown, stored }) => {
      const rows = QueryEvaluation.run(
        whole,
        Array.from(stored, ([key, state]) => ({ key, state }))
      )
      const found = Result.getOrThrow(rows)
        .rows.map(({ key }) => key)
        .sort()
      return broken(
        "the query finds what the predicate accepts",
        () => {
          // The records are of this view's states.
          const accepted = [...records].filter(([key, state]) => accepts(state as State, key))
          return JSON.stringify(found) === JSON.stringify(accepted.map(([key]) => key).sort())
        },
        () => `The query finds ${printed(found)}, and the predicate does not.\n${shown()}`
      )
    }),
    options
  )
}
