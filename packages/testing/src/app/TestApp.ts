/**
 * A whole program in a test: commands, events and views on stores in memory. The clock, the
 * ids and the chance of the program are the same in each run, and nothing sleeps.
 */
import { MemoryStores } from "@hexfold/adapters-memory"
import { type DefinitionDiffers, EventStore, Projection, type View } from "@hexfold/core"
import { Ids } from "@hexfold/core/adapter"
import { Context, Duration, Effect, Exit, Layer, Random, type Scope, Semaphore, Stream } from "effect"
import { passing } from "./passing.ts"
import { type Log, recorder, type Span } from "./recorder.ts"

export type { Log, Span } from "./recorder.ts"

/** Why a view could not be caught up, such as a `ProjectionFailed` for an event that it cannot apply. */
export type Failure = Projection.Failure | DefinitionDiffers

/** What {@link layer} is built from. */
export interface Options extends Omit<MemoryStores.Options, "views"> {
  /** The views of the program, async and inline ones. No other view answers queries. */
  readonly views?: ReadonlyArray<View.Any>
  /**
   * The longest sleep that ends by itself. Such a sleep ends as soon as no fiber has anything
   * else to do, so pauses before retries and between polls need nobody who adjusts the
   * clock. 1 second by default; 0 makes every sleep wait for `TestClock.adjust`.
   */
  readonly pauses?: Duration.Input
  /** Decides what the program draws from `Random`, such as the pauses before its retries. */
  readonly seed?: string | number
}

/** The program under test, as the test sees it. */
export class TestApp extends Context.Service<
  TestApp,
  {
    readonly settled: Effect.Effect<void, Failure>
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
  pauses = "1 second",
  seed = "TestApp",
  views = [],
  ...stores
}: Options): Effect.Effect<Context.Context<TestApp | MemoryStores.Stores>, never, Scope.Scope> =>
  Effect.gen(function* () {
    const time = yield* passing(Duration.fromInputUnsafe(pauses))
    const random = yield* Random.withSeed(Effect.service(Random.Random), seed)
    const recorded = recorder()
    const open = yield* MemoryStores.shared
    const context = open({ ...stores, views }).pipe(
      Context.merge(time),
      Context.merge(recorded.context),
      Context.add(Random.Random, random),
      Context.add(Ids.Next, numbered())
    )
    const projections = projecting(views)
    // Each view answers from the beginning on.
    yield* Effect.provideContext(Effect.orDie(projections.settled), context)
    yield* Effect.forkScoped(Effect.provideContext(projections.inBackground, context))
    return Context.add(context, TestApp, {
      settled: Effect.provideContext(projections.settled, context),
      logs: recorded.logs,
      spans: recorded.spans
    })
  })

const numbered = () => {
  let drawn = 0
  return (): string => `00000000-0000-7000-8000-${(++drawn).toString(16).padStart(12, "0")}`
}

/** Applies the events to the views. No projection holds a view in between, so nobody ever waits for a lease to end. */
const projecting = (views: ReadonlyArray<View.Any>) => {
  const alone = Semaphore.makeUnsafe(1)
  const stopped = new Set<View.Any>()
  const settled = alone.withPermit(
    Effect.gen(function* () {
      // A view that fails does not keep the others from being caught up.
      const exits = yield* Effect.forEach(views, (view) => Effect.exit(Projection.catchUp(view)))
      yield* Exit.asVoidAll(exits)
    })
  )
  const apply = Effect.forEach(
    views,
    (view) =>
      stopped.has(view)
        ? Effect.void
        : Projection.catchUp(view).pipe(
            Effect.asVoid,
            Effect.catch(() => Effect.sync(() => void stopped.add(view)))
          ),
    { discard: true }
  )
  const inBackground = Effect.flatMap(EventStore.EventStore, ({ horizons }) =>
    Stream.runForEach(horizons, () => alone.withPermit(apply))
  )
  return { settled, inBackground }
}

/**
 * Returns when every view of the {@link layer} has applied all events that are committed. It
 * takes the place of a sleep before a test looks at records. It fails like
 * `Projection.catchUp`: with a `ProjectionFailed` if a view cannot apply an event. The
 * other views have applied all events then.
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
