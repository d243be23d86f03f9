import { EventStore, type EventStoreError, Reason, ViewStore, ViewStoreError } from "@hexfold/core"
import { Context, Duration, Effect, type Exit, type Scope } from "effect"

/** A process that works on the data: an instance of each store. */
export interface Pair {
  readonly events: EventStore.EventStore["Service"]
  readonly views: ViewStore.ViewStore["Service"]
  /**
   * Runs an effect in a transaction of the event store's database, which appends
   * of this process join; rolls back if the effect fails. Cases that need one run
   * without it where there is none.
   */
  readonly transaction?: <A, E>(effect: Effect.Effect<A, E>) => Effect.Effect<A, E | EventStoreError>
  /** From now on the operations of this process hang or fail. */
  readonly cut?: Effect.Effect<void>
}

/** What an adapter supplies to be held to the contract. */
export class Backend extends Context.Service<
  Backend,
  {
    /** Opens one more process on the same data. */
    readonly open: Effect.Effect<Pair, EventStoreError | ViewStoreError, Scope.Scope>
  }
>()("@hexfold/testing/ProjectionContract/Backend") {}

/** A promise of projections and the program that tests it. */
export type Cases = Readonly<Record<string, Effect.Effect<void, unknown, Backend | Scope.Scope>>>

/**
 * What befalls the operations of the view store: nothing; they fail; they
 * happen, and the answer is lost; those that write are held back and arrive
 * late, or of these all but claims; they are lost.
 */
export type Trouble = "none" | "down" | "deaf" | "late" | "slow" | "gone"

/** A process whose connection to the view store can be in trouble. */
export interface Process extends Pair {
  trouble: Trouble
  /** The commits that were made from here. */
  readonly commits: Array<ViewStore.Commit>
  /** How many operations are held back. */
  readonly held: () => number
  /** Sends what was held back, and gives what became of the commits. */
  readonly deliver: Effect.Effect<ReadonlyArray<Exit.Exit<void, unknown>>>
  /** Runs an effect on the stores of this process. */
  readonly run: <A, E, R>(
    effect: Effect.Effect<A, E, R>
  ) => Effect.Effect<A, E, Exclude<R, EventStore.EventStore | ViewStore.ViewStore>>
}

/** Opens a process. */
export const open: Effect.Effect<Process, EventStoreError | ViewStoreError, Backend | Scope.Scope> = Effect.gen(
  function* () {
    const pair = yield* (yield* Backend).open
    const plain = pair.views
    const commits: Process["commits"] = []
    let held: Array<Effect.Effect<ReadonlyArray<Exit.Exit<void, unknown>>>> = []

    const through = <A, E>(
      operation: Effect.Effect<A, E>,
      late?: Effect.Effect<ReadonlyArray<Exit.Exit<void, unknown>>>
    ): Effect.Effect<A, E | ViewStoreError> =>
      Effect.suspend((): Effect.Effect<A, E | ViewStoreError> => {
        switch (process.trouble) {
          case "none":
            return operation
          case "down":
            return Effect.fail(down)
          case "deaf":
            return Effect.andThen(operation, Effect.never)
          case "slow":
          case "late":
            if (late === undefined) return operation
            held.push(late)
            return Effect.never
          case "gone":
            return Effect.never
        }
      })

    const commit = (given: ViewStore.Commit) =>
      Effect.tap(plain.commit(given), () => Effect.sync(() => void commits.push(given)))

    const views: ViewStore.ViewStore["Service"] = {
      ...plain,
      claim: (claim) =>
        process.trouble === "slow" && Duration.isGreaterThan(claim.lease, Duration.zero)
          ? plain.claim(claim)
          : through(plain.claim(claim), Effect.as(Effect.exit(plain.claim(claim)), [])),
      load: (generation, keys) => through(plain.load(generation, keys)),
      commit: (given) =>
        through(
          commit(given),
          Effect.map(Effect.exit(commit(given)), (exit) => [exit])
        ),
      status: through(plain.status)
    }

    const process: Process = {
      ...pair,
      views,
      commits,
      trouble: "none",
      held: () => held.length,
      deliver: Effect.suspend(() => {
        const due = held
        held = []
        return Effect.map(Effect.all(due), (exits) => exits.flat())
      }),
      run: Effect.provideContext(
        Context.make(EventStore.EventStore, pair.events).pipe(Context.add(ViewStore.ViewStore, views))
      )
    }
    return process
  }
)

/** Opens several processes. */
export const openAll = (count: number) => Effect.forEach(Array.from({ length: count }), () => open)

const down = new ViewStoreError({ operation: "commit", reason: new Reason.Unavailable({ detail: "down" }) })

/** Opens two processes. */
export const two = Effect.all([open, open])

/** Opens three processes. */
export const three = Effect.all([open, open, open])
