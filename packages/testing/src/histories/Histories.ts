/**
 * Histories that can happen: generated commands, run through `decide` and `evolve`. They are values of `effect/Arbitrary`,
 * for `it.effect.prop` and `Arbitrary.checkEffect`, and shrink to fewer and simpler commands.
 */
import type { Aggregate, Decision, StreamId } from "@hexfold/core"
import { Arbitrary, Effect, Random, Result } from "effect"
import type * as Arbitraries from "./Arbitraries.ts"
import { counter, type Distribution } from "./distribution.ts"
import { actorsOf, aloneOf, type Member } from "./members.ts"
import { historiesOf } from "./shrinking.ts"
import { type States, statesAfter } from "./states.ts"
import { withoutStacks } from "./withoutStacks.ts"
import { isBoundary, type Run, type Step as AnyStep } from "./world.ts"

export type { CommandCount, Distribution } from "./distribution.ts"
export type { Member } from "./members.ts"
export type { States } from "./states.ts"

/** A history of one stream of an aggregate. */
export interface History<State, Command, Event, Error> {
  readonly steps: ReadonlyArray<Step<State, Command, Event, Error>>
  /** All events in their order. */
  readonly events: ReadonlyArray<Event>
  /** The state after the last one. */
  readonly state: State
}

/** A command, what it came to, and the states before and after it. */
export interface Step<State, Command, Event, Error> {
  readonly command: Command
  readonly before: State
  readonly decision: Decision.Decision<Event, Error>
  readonly after: State
}

/** A history of several streams. */
export interface Log {
  readonly steps: ReadonlyArray<LogStep>
  /** All events in the order of their positions. */
  readonly events: ReadonlyArray<LogEvent>
  /** The states of an aggregate after the last event, by id. */
  readonly states: States["of"]
}

/** A command of an aggregate or of a boundary, and what it came to. */
export interface LogStep {
  /** The name of the aggregate or boundary. */
  readonly name: string
  /** The stream of an aggregate's command. */
  readonly streamId: StreamId.StreamId | undefined
  readonly command: Aggregate.Tagged
  readonly decision: Decision.Decision<LogEvent, unknown>
}

/** An event, and its stream. */
export interface LogEvent {
  readonly aggregate: string
  readonly streamId: StreamId.StreamId
  readonly event: Aggregate.Tagged
}

/** How long histories are. */
export interface Options {
  /** The most commands of a history; 20 if not given. */
  readonly steps?: number
}

/** How many histories are counted. */
export interface DistributionOptions extends Options {
  /** 1,000 if not given. */
  readonly runs?: number
  /** By chance if not given. */
  readonly seed?: number
}

/**
 * Histories of an aggregate that can happen, each of one stream. Commands take values that were seen in the history, so
 * that they meet what came before, and lead to states that are hard to reach.
 *
 * @example
 * ```ts
 * import { it } from "@effect/vitest"
 * import type { Aggregate } from "@hexfold/core"
 * import { Histories } from "@hexfold/testing"
 *
 * interface Incremented { readonly _tag: "Incremented"; readonly by: number }
 * declare const Counter: Aggregate.Aggregate<"Counter", string, number, { readonly _tag: "Increment" }, Incremented, never>
 *
 * it.prop("counts", [Histories.of(Counter)], ([{ events, state }]) =>
 *   state === events.reduce((sum, { by }) => sum + by, 0))
 * ```
 */
export const of = <
  Name extends string,
  Id,
  State,
  Command extends Aggregate.Tagged,
  Event extends Aggregate.Tagged,
  Error
>(
  aggregate:
    | Aggregate.Aggregate<Name, Id, State, Command, Event, Error>
    | Arbitraries.OfAggregate<Name, Id, State, Command, Event, Error>,
  options: Options = {}
): Arbitrary.Arbitrary<History<State, Command, Event, Error>> =>
  Arbitrary.map(historiesOf(aloneOf(aggregate), options.steps ?? defaultSteps), (run) => {
    const [stream] = run.streams.values()
    const initial = ("target" in aggregate ? aggregate.target : aggregate).initial
    let before: unknown = initial
    return {
      // Each part of the run comes from this aggregate.
      steps: run.steps.map((step) => {
        throwDefect(step)
        const after = step.parts[0]?.after.state ?? before
        const made = { command: step.command, before, decision: decisionOf(step, ({ event }) => event), after }
        before = after
        return made as Step<State, Command, Event, Error>
      }),
      events: (stream?.events ?? []) as ReadonlyArray<unknown> as ReadonlyArray<Event>,
      state: (stream?.state ?? initial) as State
    }
  })

/**
 * Histories of several aggregates and boundaries, whose ids meet. The aggregates that a boundary reads take part too.
 *
 * @example
 * ```ts
 * import type { Aggregate, Boundary } from "@hexfold/core"
 * import { Histories } from "@hexfold/testing"
 *
 * interface Moved { readonly _tag: "Moved"; readonly by: number }
 * interface Move { readonly _tag: "Move"; readonly from: string; readonly to: string }
 * declare const Account: Aggregate.Aggregate<"Account", string, number, never, Moved, never>
 * declare const Transfer: Boundary.Boundary<"Transfer", Move, { from: number; to: number }, Moved, never>
 *
 * const logs = Histories.across([Account, Transfer])
 * ```
 */
export const across = (members: ReadonlyArray<Member>, options: Options = {}): Arbitrary.Arbitrary<Log> =>
  Arbitrary.map(historiesOf(actorsOf(members), options.steps ?? defaultSteps), (run) => ({
    steps: run.steps.map((step) => {
      throwDefect(step)
      const { command, given, target } = step
      const streamId = isBoundary(target) ? undefined : target.streamId(given.id)
      return { name: target.name, streamId, command, decision: decisionOf(step, (logged) => logged) }
    }),
    events: run.log.map(({ event, source, streamId }) => ({ aggregate: source.name, streamId, event })),
    states: statesAfter([...run.streams.values()]).of
  }))

/**
 * How often each command is accepted and rejected, each error raised and each event recorded in generated histories.
 * `String(...)` of it is a table.
 *
 * @example
 * ```ts
 * import type { Aggregate } from "@hexfold/core"
 * import { Histories } from "@hexfold/testing"
 *
 * declare const Counter: Aggregate.Aggregate<"Counter", string, number, { readonly _tag: "Increment" }, { readonly _tag: "Incremented" }, never>
 *
 * const print = () => console.log(String(Histories.distribution([Counter])))
 * ```
 */
export const distribution = (members: ReadonlyArray<Member>, options: DistributionOptions = {}): Distribution => {
  const { runs = 1_000, seed = Effect.runSync(Random.nextInt), steps = defaultSteps } = options
  const actors = actorsOf(members)
  const counted = counter(actors.map(({ target }) => target))
  const count = (run: Run) => {
    run.steps.forEach(throwDefect)
    counted.add(run)
    return true
  }
  withoutStacks(() => Effect.runSync(Arbitrary.checkEffect(historiesOf(actors, steps), count, { runs, seed })))
  return counted.result()
}

const defaultSteps = 20

const decisionOf = <A>({ outcome, parts }: AnyStep, each: (event: LogEvent) => A): Decision.Decision<A, unknown> => {
  if (outcome._tag === "Rejected") return Result.fail(outcome.error)
  return Result.succeed(
    parts.flatMap(({ events, participant: { source, streamId } }) =>
      events.map((event) => each({ aggregate: source.name, streamId, event }))
    )
  )
}

const throwDefect = ({ outcome }: AnyStep): void => {
  if (outcome._tag === "Defect") throw outcome.thrown
}
