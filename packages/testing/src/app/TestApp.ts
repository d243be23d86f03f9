/**
 * A whole program in a test: commands, events, views and reactions on stores in memory. The clock, the
 * ids and the chance of the program are the same in each run, and nothing sleeps.
 */
import { MemoryStores } from "@hexfold/adapters-memory"
import { EventStore, type Projection, type View } from "@hexfold/core"
import { Driving, Ids, ProcessMachine } from "@hexfold/core/adapter"
import { Clock, Context, DateTime, Duration, Effect, Layer, Option, Random, Result, type Scope } from "effect"
import { keeping, works } from "./driven.ts"
import { passing } from "./passing.ts"
import { type Log, recorder, type Span } from "./recorder.ts"

export type { Log, Span } from "./recorder.ts"

/**
 * Why a view or a reaction could not go on: such as a `ProjectionFailed` for an event that a view cannot apply, or a
 * `ReactionFailed` for one that a reactor cannot handle.
 */
export type Failure = Driving.Failure

/** What {@link layer} is built from. */
export interface Options extends Omit<MemoryStores.Options, "views"> {
  /** The views of the program, async and inline ones. No other view answers queries. */
  readonly views?: ReadonlyArray<View.Any>
  /**
   * The longest sleep that ends by itself. Such a sleep ends as soon as no fiber has anything
   * else to do, so pauses before retries and between polls need nobody who adjusts the
   * clock. 1 second by default; 0 makes every sleep wait for `TestClock.adjust`. The pauses before a handler of a
   * reaction is run again are never longer.
   */
  readonly pauses?: Duration.Input
  /**
   * How many reactions may follow from each other at one time, before {@link settled} says that they do not come to an end.
   * 500 by default.
   */
  readonly longestChain?: number
  /** Decides what the program draws from `Random`, such as the pauses before its retries. */
  readonly seed?: string | number
}

/** The program under test, as the test sees it. */
export class TestApp extends Context.Service<
  TestApp,
  {
    readonly settled: Effect.Effect<void, Failure>
    readonly advanceTo: (time: number) => Effect.Effect<void, Failure>
    readonly advanceToNext: Effect.Effect<Option.Option<number>, Failure>
    readonly logs: Effect.Effect<ReadonlyArray<Log>>
    readonly spans: Effect.Effect<ReadonlyArray<Span>>
  }
>()("@hexfold/testing/TestApp") {}

/**
 * Supplies the stores in memory, a test clock, and what a test asks of the program.
 *
 * The program's time is that of `TestClock`: it begins at 1970-01-01 and stands still,
 * except that short sleeps end by themselves, see `pauses`. The ids of events count up
 * from `00000000-0000-7000-8000-000000000001`, and those of traces in the same way. Logs and spans
 * are recorded, and shown nowhere else. Views are applied in the background, soon after
 * an append; {@link settled} waits for them.
 *
 * `Reactor.layer`, `Deadline.layer` and `Schedules.layer` that are built on this layer are driven by it: put the layers of
 * the program on it as they are. Their reactions follow soon after an event, and when their time has come. {@link settled}
 * waits for them, and {@link advance} and {@link advanceToNext} move the clock.
 *
 * The options of `MemoryStores.layer` are options here too: with `conflictEvery` and
 * `yields` commands meet others, as they do in production.
 *
 * @example
 * ```ts
 * import { type Aggregate, Executor, Records, type View } from "@hexfold/core"
 * import { TestApp } from "@hexfold/testing"
 * import { Effect } from "effect"
 *
 * interface Deposit { readonly _tag: "Deposit"; readonly amount: number }
 * interface Deposited { readonly _tag: "Deposited"; readonly amount: number }
 * declare const Account: Aggregate.Aggregate<"Account", string, number, Deposit, Deposited, never>
 * declare const Balances: View.View<"Balances", number, Deposited, View.Envelope<"Account", string>>
 *
 * const test = Effect.gen(function*() {
 *   yield* Executor.execute(Account, "anna", { _tag: "Deposit", amount: 10 })
 *   yield* TestApp.settled
 *   return yield* Records.get(Balances, "anna")
 * })
 *
 * const anna = Effect.runPromise(Effect.provide(test, TestApp.layer({ views: [Balances], conflictEvery: 2 })))
 * ```
 */
export const layer = (options: Options = {}): Layer.Layer<TestApp | MemoryStores.Stores> =>
  Layer.effectContext(make(options))

const make = ({
  longestChain = 500,
  pauses = "1 second",
  seed = "TestApp",
  views = [],
  ...stores
}: Options): Effect.Effect<Context.Context<TestApp | MemoryStores.Stores>, never, Scope.Scope> =>
  Effect.gen(function* () {
    const open = yield* MemoryStores.shared
    const context = Context.add(open({ ...stores, views }), Ids.Next, numbered())
    const app = yield* driving(context, { longestChain, pauses, seed, views })
    return Context.merge(context, app)
  })

/** What drives a program over stores. */
const driving = (
  stores: Context.Context<Projection.Stores>,
  { longestChain, pauses, seed, views }: Required<Pick<Options, "longestChain" | "pauses" | "seed" | "views">>
): Effect.Effect<Context.Context<TestApp>, never, Scope.Scope> =>
  Effect.gen(function* () {
    const longestPause = Duration.fromInputUnsafe(pauses)
    const time = yield* passing(longestPause)
    const random = yield* Random.withSeed(Effect.service(Random.Random), seed)
    const recorded = recorder()
    const own = Context.merge(time.context, recorded.context).pipe(Context.add(Random.Random, random))
    const context = Context.merge(stores, own)
    const { advanceTo, advanceToNext, drive, settled } = works(
      Context.get(context, EventStore.EventStore),
      time,
      longestChain
    )
    yield* Effect.provideContext(
      Effect.forEach(views, (view) => Effect.flatMap(keeping(view), drive), { discard: true }),
      context
    )
    const inside = <A, E>(effect: Effect.Effect<A, E>) => Effect.provideContext(effect, context)
    return own.pipe(
      Context.add(Driving.Current, { drive, longestPause }),
      Context.add(TestApp, {
        settled: inside(settled),
        advanceTo: (time) => inside(advanceTo(time)),
        advanceToNext: inside(advanceToNext),
        logs: recorded.logs,
        spans: recorded.spans
      })
    )
  })

/**
 * Supplies the test clock, and what a test asks of the program, over other stores, such as those of an embedded Postgres. So
 * one test can run on several stores.
 *
 * It differs from {@link layer} where a store is outside of the program. The ids of events are random, and their times are
 * those that the store gives them: so a timeout with a `time` comes at it, and one that is counted `after` an event is
 * counted from the time of the store. Sleeps of up to half a second end by themselves, also while the program waits for the
 * store, and after a conflict the clock has gone on by some milliseconds.
 *
 * @example
 * ```ts
 * import type { Reactor, View } from "@hexfold/core"
 * import { TestApp } from "@hexfold/testing"
 * import { Layer } from "effect"
 *
 * declare const Balances: View.Any
 * declare const stores: Layer.Layer<Reactor.Stores>
 *
 * const app = TestApp.layerOver({ views: [Balances] }).pipe(Layer.provideMerge(stores))
 * ```
 */
export const layerOver = ({
  longestChain = 500,
  seed = "TestApp",
  views = []
}: Pick<Options, "longestChain" | "seed" | "views"> = {}): Layer.Layer<TestApp, never, Projection.Stores> =>
  Layer.effectContext(
    Effect.flatMap(Effect.context<Projection.Stores>(), (stores) =>
      driving(stores, { longestChain, pauses: "500 millis", seed, views })
    )
  )

const numbered = () => {
  let drawn = 0
  return (): string => `00000000-0000-7000-8000-${(++drawn).toString(16).padStart(12, "0")}`
}

/**
 * Returns when nothing follows any more at the present time: every view of the {@link layer} has applied all events that
 * are committed, every reactor and process has handled them, what was due is done, and so is what has followed from that.
 * It takes the place of a sleep before a test looks at records. It fails with a `ProjectionFailed` if a view cannot apply
 * an event, and with a `ReactionFailed` if a reactor stops at one; the others have gone on then. Events that a reactor has
 * left as dead letters do not make it fail.
 *
 * Reactions that never come to an end are a defect, see `longestChain`: an error names their last events.
 *
 * @example
 * ```ts
 * import { Records, type View } from "@hexfold/core"
 * import { TestApp } from "@hexfold/testing"
 * import { Effect } from "effect"
 *
 * declare const Balances: View.View<"Balances", number, never, View.Envelope<"Account", string>>
 *
 * const balanceOf = (key: string) => Effect.andThen(TestApp.settled, Records.get(Balances, key))
 * ```
 */
export const settled: Effect.Effect<void, Failure, TestApp> = Effect.flatMap(TestApp, (app) => app.settled)

/**
 * Moves the clock by a duration. On the way it stops at the time of each deadline, each timeout of a process and each tick
 * of a schedule, in their order. At each stop it waits, like {@link settled}, until everything that follows has happened.
 * So everything has the time that it would have in production. It fails like {@link settled}; the clock then shows the time
 * of the failure. An infinite duration is a defect.
 *
 * `TestClock.adjust` does not wait for what follows at a time before it goes on.
 *
 * @example
 * ```ts
 * import { type Aggregate, Deadline, Executor } from "@hexfold/core"
 * import { TestApp } from "@hexfold/testing"
 * import { Effect } from "effect"
 *
 * type Cancel = { readonly _tag: "Cancel" }
 * declare const Order: Aggregate.Aggregate<"Order", string, string, Cancel, never, never>
 *
 * const test = Effect.gen(function* () {
 *   yield* Deadline.schedule(Order, "17", { _tag: "Cancel" }, { after: "30 minutes" })
 *   yield* TestApp.advance("1 hour")
 *   return (yield* Executor.load(Order, "17")).state
 * })
 * ```
 */
export const advance = (duration: Duration.Input): Effect.Effect<void, Failure, TestApp> =>
  Effect.flatMap(Clock.currentTimeMillis, (now) =>
    Result.match(ProcessMachine.timeOf({ after: duration }, now), {
      onSuccess: advanceTo,
      onFailure: (why) => Effect.die(new Error(`TestApp.advance: ${why}`))
    })
  )

/**
 * Moves the clock to a time, like {@link advance}. The clock cannot go back: a time in the past is a defect.
 *
 * @example
 * ```ts
 * import { TestApp } from "@hexfold/testing"
 *
 * const toNewYear = TestApp.advanceTo("2027-01-01T00:00:00Z")
 * ```
 */
export const advanceTo = (time: DateTime.DateTime.Input): Effect.Effect<void, Failure, TestApp> =>
  Effect.gen(function* () {
    const app = yield* TestApp
    const given = Option.filter(DateTime.make(time), ({ epochMilliseconds }) => Number.isFinite(epochMilliseconds))
    if (Option.isNone(given)) return yield* Effect.die(new Error("TestApp.advanceTo: no calendar has the time"))
    const at = given.value
    const now = yield* DateTime.now
    if (DateTime.isLessThan(at, now)) {
      const past = `TestApp.advanceTo: ${DateTime.formatIso(at)} is over: it is ${DateTime.formatIso(now)}`
      return yield* Effect.die(new Error(past))
    }
    yield* app.advanceTo(at.epochMilliseconds)
  })

/**
 * Moves the clock to the next deadline, timeout of a process or tick of a schedule, whichever comes first, and lets all
 * that follows come to its end. Gives its time; none, and the clock stands still, if nothing waits. It fails like
 * {@link settled}.
 *
 * @example
 * ```ts
 * import { TestApp } from "@hexfold/testing"
 * import { Effect, Option } from "effect"
 *
 * // All deadlines, one after the other. A schedule has no last tick.
 * const all = TestApp.advanceToNext.pipe(Effect.repeat({ until: Option.isNone }))
 * ```
 */
export const advanceToNext: Effect.Effect<Option.Option<DateTime.Utc>, Failure, TestApp> = Effect.flatMap(
  TestApp,
  (app) => Effect.map(app.advanceToNext, Option.map(DateTime.makeUnsafe))
)

/**
 * What the program has logged so far, as plain data.
 *
 * @example
 * ```ts
 * import { TestApp } from "@hexfold/testing"
 * import { Effect } from "effect"
 *
 * const warnings = Effect.map(TestApp.logs, (logs) => logs.filter(({ level }) => level === "Warn"))
 * ```
 */
export const logs: Effect.Effect<ReadonlyArray<Log>, never, TestApp> = Effect.flatMap(TestApp, (app) => app.logs)

/**
 * The spans of the program so far, in the order in which they began, as plain data.
 *
 * @example
 * ```ts
 * import { TestApp } from "@hexfold/testing"
 * import { Effect } from "effect"
 *
 * const commands = Effect.map(TestApp.spans, (spans) => spans.filter(({ name }) => name === "Executor.execute"))
 * ```
 */
export const spans: Effect.Effect<ReadonlyArray<Span>, never, TestApp> = Effect.flatMap(TestApp, (app) => app.spans)
