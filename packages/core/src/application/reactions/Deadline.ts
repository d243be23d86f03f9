/**
 * Commands that are executed at a later time. A deadline survives restarts, and its command is executed once. It is the
 * stream of a timer: it is set, and then it fires or is cancelled, whichever comes first.
 */
import * as Clock from "effect/Clock"
import type * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import type * as Aggregate from "../../domain/Aggregate.ts"
import type { AnyBoundary, Target } from "../../domain/process/steps.ts"
import { timeOf } from "../../domain/process/times.ts"
import { Timer, WaitingTimers } from "../../domain/process/timers.ts"
import type { Tagged } from "../../domain/tagged.ts"
import type { EventStore } from "../../ports/EventStore.ts"
import * as DerivedIds from "../commands/derivedIds.ts"
import { InvalidCommand } from "../commands/errors.ts"
import * as Executor from "../commands/Executor.ts"
import type { ExecuteError } from "../commands/options.ts"
import * as Ids from "../events/Ids.ts"
import * as Records from "../queries/Records.ts"
import * as Delivery from "./consuming/delivery.ts"
import { codecOf, executeOrWarn } from "./processes/targets.ts"
import { digest } from "../../domain/view/digest.ts"
import * as Query from "../../domain/Query.ts"
import type { ViewStore } from "../../ports/ViewStore.ts"
import * as Reactor from "./Reactor.ts"

/** When the command is executed, and under which id the deadline is known. */
export type Options = ({ readonly at: DateTime.DateTime } | { readonly after: Duration.Input }) & {
  /**
   * Names the deadline, so that it can be cancelled, and is set only once. At most 1,000 characters. By default it is a
   * new id; in a handler of a reactor it follows from the event, so that a repetition sets the same deadline.
   */
  readonly id?: string
}

/**
 * Has a command executed at a later time, and gives the id of the deadline: `schedule(aggregate, id, command, options)` or
 * `schedule(boundary, command, options)`. A time that is over is now. If there is a deadline with the id already,
 * nothing happens, even if it was cancelled or its command was executed.
 *
 * The command is executed where {@link layer} runs for its target. It fails with an `InvalidCommand` if the id or the
 * command does not match its schema, or if no calendar has the time, such as after an infinite duration; nothing is
 * written then.
 *
 * @example
 * ```ts
 * import { type Aggregate, Deadline } from "@hexfold/core"
 *
 * type Cancel = { readonly _tag: "Cancel" }
 * declare const Order: Aggregate.Aggregate<"Order", string, string, Cancel, never, never>
 *
 * const program = Deadline.schedule(Order, "17", { _tag: "Cancel" }, { after: "30 minutes", id: "unpaid 17" })
 * ```
 */
export const schedule: {
  <A extends Aggregate.Any>(
    aggregate: A,
    id: NoInfer<Aggregate.IdOf<A>>,
    command: NoInfer<Aggregate.CommandOf<A>>,
    options: Options
  ): Effect.Effect<string, ExecuteError, EventStore>
  <B extends AnyBoundary>(
    boundary: B,
    command: NoInfer<B["command"]["Type"]>,
    options: Options
  ): Effect.Effect<string, ExecuteError, EventStore>
} = (target: Target, ...given: ReadonlyArray<unknown>): Effect.Effect<string, ExecuteError, EventStore> =>
  Effect.gen(function* () {
    const options = given.at(-1) as Options
    const [id, command] = given.length === 3 ? given : [undefined, given[0]]
    const encoded = Result.try({
      try: () => codecOf(target).encode(id, command as Tagged),
      catch: (cause) =>
        cause instanceof InvalidCommand
          ? cause
          : new InvalidCommand({ target: target.name, part: "id", detail: String(cause), cause })
    })
    const sending = yield* Effect.fromResult(encoded)
    const now = yield* Clock.currentTimeMillis
    const time = timeOf("at" in options ? { time: options.at } : options, now)
    if (Result.isFailure(time))
      return yield* new InvalidCommand({ target: target.name, part: "time", detail: time.failure })
    const at = time.success
    const delivered = yield* Delivery.Current
    const place = [target.name, JSON.stringify(sending)].join(" ")
    const own = delivered === undefined ? (yield* Ids.Next)(now) : `${delivered.key} ${digest(place)}`
    const deadline = options.id ?? own
    yield* Executor.execute(Timer, deadline, {
      _tag: "SetTimer",
      at,
      for: { _tag: "Command", target: target.name, ...sending }
    }).pipe(unnamed)
    return deadline
  })

// A timer that is set or cancelled again stays as it is, so these commands need no id. In a handler that is run again the
// time may be another one, which would be another command under the same id.
const unnamed = Effect.provideService(DerivedIds.Current, undefined)

/**
 * Cancels a deadline. True if its command will not be executed; false if it was executed, or is under way, or if there is
 * no such deadline.
 *
 * @example
 * ```ts
 * import { Deadline } from "@hexfold/core"
 *
 * const program = Deadline.cancel("unpaid 17")
 * ```
 */
export const cancel = (deadline: string): Effect.Effect<boolean, Executor.LoadError | ExecuteError, EventStore> =>
  Effect.gen(function* () {
    yield* Executor.execute(Timer, deadline, { _tag: "CancelTimer" }).pipe(unnamed)
    const { state } = yield* Executor.load(Timer, deadline)
    return state.status === "cancelled"
  })

/**
 * The deadlines that wait, and the timeouts of processes that do, as a view: query it with `Records` where
 * {@link layer} or `Reactor.layer` runs.
 *
 * @example
 * ```ts
 * import { Deadline, Query, Records } from "@hexfold/core"
 *
 * const next = Records.query(Deadline.Waiting, Query.from(Deadline.Waiting, { orderBy: ["at"], limit: 10 }))
 * ```
 */
export const Waiting = WaitingTimers

/**
 * For how long the timer has waited whose time was over first; zero if no time is over. It grows while no process lets
 * timers fire. It is read from {@link Waiting}, so watch with `ProjectionMonitor` that this view is kept, too.
 *
 * @example
 * ```ts
 * import { Deadline, ProjectionMonitor } from "@hexfold/core"
 * import { Effect } from "effect"
 *
 * const healthy = Effect.all([Deadline.overdue, ProjectionMonitor.health([Deadline.Waiting])])
 * ```
 */
export const overdue: Effect.Effect<Duration.Duration, Records.QueryError, ViewStore> = Effect.gen(function* () {
  const { rows } = yield* Records.query(WaitingTimers, Query.from(WaitingTimers, { orderBy: ["at"], limit: 1 }))
  const now = yield* Clock.currentTimeMillis
  return Duration.millis(Math.max(0, now - (rows[0]?.state.at ?? now)))
})

/**
 * Executes the commands of deadlines for these aggregates and boundaries, for as long as the layer lives, in the order of
 * their times for each target and id. Any number of processes may do it. A command that is rejected is done: a warning
 * says so.
 *
 * @example
 * ```ts
 * import { type Aggregate, Deadline, type Reactor } from "@hexfold/core"
 * import { Layer } from "effect"
 *
 * declare const Order: Aggregate.Aggregate<"Order", string, string, never, never, never>
 * declare const stores: Layer.Layer<Reactor.Stores>
 *
 * const live = Deadline.layer([Order]).pipe(Layer.provide(stores))
 * ```
 */
export const layer = (
  targets: ReadonlyArray<Target>,
  options: Reactor.Options = {}
): Layer.Layer<never, never, Reactor.Stores> => Reactor.layer(reactors(targets), options)

/**
 * The reactors that {@link layer} runs, one for each target: for `ProjectionMonitor`, and for `Reactor.retryParked` of
 * commands that could not be executed.
 *
 * @example
 * ```ts
 * import { type Aggregate, Deadline, ProjectionMonitor } from "@hexfold/core"
 *
 * declare const Order: Aggregate.Aggregate<"Order", string, string, never, never, never>
 *
 * const healthy = ProjectionMonitor.health(Deadline.reactors([Order]))
 * ```
 */
export const reactors = (
  targets: ReadonlyArray<Target>
): ReadonlyArray<Reactor.Any & { readonly handle: ReturnType<typeof executing>["handle"] }> => targets.map(executing)

/** The reactor that executes the commands to a target. */
const executing = (target: Target) =>
  Reactor.make(`Deadline_${target.name}`, {
    from: [Timer],
    start: "beginning",
    onPoison: "park",
    key: (event, { id }) =>
      event._tag === "TimerFired" && event.for._tag === "Command" && event.for.id !== undefined
        ? JSON.stringify(event.for.id)
        : id,
    on: {
      TimerFired: ({ for: purpose }, { id: deadline }) => {
        if (purpose._tag !== "Command" || purpose.target !== target.name) return Effect.void
        return executeOrWarn(`of the deadline ${deadline}`, target, purpose.id, purpose.command)
      }
    }
  })
