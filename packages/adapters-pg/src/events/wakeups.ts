import type { PgClient } from "@effect/sql-pg"
import type { EventStore, EventStoreError } from "@hexfold/core"
import { Background } from "@hexfold/core/adapter"
import { type Cause, Clock, Duration, Effect, Exit, PubSub, Queue, RcRef, Schedule, type Scope, Stream } from "effect"
import { translated } from "../database/errors.ts"
import type { Limit } from "../database/disconnect.ts"
import { channel, formerChannel, listen, payloadOf } from "../database/listener.ts"

/** How readers hear of new events. */
export interface Options {
  readonly pg: PgClient.PgClient
  /** Whether readers listen; otherwise they poll. */
  readonly listens: boolean
  /** The name of the schema. */
  readonly schema: string
  /** How long the loop waits at most before it asks again. */
  readonly pollInterval: Duration.Duration
  /** Asks the server for the horizon, and names those who hold it back if that is wanted. */
  readonly ask: (names: boolean) => Effect.Effect<EventStore.Horizon, EventStoreError>
  /** Limits the time of a statement. */
  readonly limited: ReturnType<Limit>
  /** Runs an effect outside of any transaction of the fiber that happens to start it. */
  readonly outside: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
}

/** Lets readers, of this process and of others, know that there may be new events. */
export interface WakeUps {
  /** Announces a commit. It returns at once. */
  readonly announce: () => void
  /** The horizon now, and each one with another position, another history, or other holders. */
  readonly horizons: Stream.Stream<EventStore.Horizon, EventStoreError>
}

/**
 * One loop asks for the horizon on behalf of all readers of the process, and
 * runs only while there are readers. It asks after a commit of its own store, when
 * another store notifies, and after the poll interval; a lost wake-up costs time and
 * nothing else. While appends are under way the loop asks at short intervals, because
 * an append that rolls back notifies nobody and yet moves the horizon.
 *
 * All of this is background work that no caller waits for: it makes no spans.
 */
export const make = (options: Options): Effect.Effect<WakeUps, never, Scope.Scope> =>
  Effect.gen(function* () {
    const { limited, listens, outside, pg, pollInterval, schema } = options
    const ask = (names: boolean) => Effect.withTracerEnabled(options.ask(names), false)
    // Two stores of one process may share a client, and wake each other's readers by notifications only.
    const name = crypto.randomUUID()
    const committed = yield* Queue.sliding<void>(1)
    const wake = yield* Queue.sliding<void>(1)

    // A notification inside the commit would hold a lock of the whole database until the commit has ended. So it follows.
    const notify = pg.unsafe(
      "select pg_catalog.set_config('synchronous_commit', 'off', true), pg_catalog.pg_notify($1, $2)::text, pg_catalog.pg_notify($3, '')::text",
      [channel, payloadOf(schema, name), formerChannel(schema)]
    )
    const notifying = Background.reported({
      failing: `hexfold: appends to ${schema} are not announced, so live readers of other processes poll`,
      again: `hexfold: appends to ${schema} are announced again`
    })
    yield* Queue.take(committed).pipe(
      Effect.andThen(
        Effect.matchCauseEffect(outside(limited(translated("horizons")(notify))), {
          onFailure: notifying.failed,
          onSuccess: () => notifying.succeeded
        })
      ),
      Effect.andThen(Effect.sleep("10 millis")),
      Effect.forever,
      Effect.withTracerEnabled(false),
      Effect.forkScoped
    )

    // The first reader starts the loop for all readers, so nothing of that reader's context may get in.
    const loop: Effect.Effect<Horizons, never, Scope.Scope> = Effect.gen(function* () {
      const horizons: Horizons = yield* PubSub.sliding<FoundHorizon>(1)
      if (listens)
        yield* listen(pg, { schema, store: name, wake: () => void Queue.offerUnsafe(wake, undefined) }, limited)
      const asking = Background.reported({
        failing: `hexfold: the horizon of ${schema} cannot be read, so live readers wait`,
        again: `hexfold: the horizon of ${schema} can be read again`
      })
      yield* Effect.gen(function* () {
        let current: EventStore.Horizon | undefined
        let pause = shortest
        // While the horizon moves, nobody needs to know whose appends are under way.
        let moves = false
        while (true) {
          const names: boolean = !moves
          const found: FoundHorizon = yield* Effect.exit(ask(names))
          if (Exit.isFailure(found) && !isRetryable(found.cause)) {
            // A reader that comes later starts another loop.
            yield* RcRef.invalidate(shared)
            yield* PubSub.publish(horizons, Exit.failCause(found.cause))
            return
          }
          yield* Exit.isFailure(found) ? asking.failed(found.cause) : asking.succeeded
          moves = Exit.isSuccess(found) && isFurther(found.value, current)
          // Without their names it looks as if nobody held the horizon back.
          if (Exit.isSuccess(found) && (moves || (names && isOther(found.value, current)))) {
            current = found.value
            yield* PubSub.publish(horizons, found)
          }
          const settled = Exit.isSuccess(found) && found.value.position === found.value.drawn
          pause = moves || settled ? shortest : Duration.min(Duration.times(pause, 2), longest)
          if (moves) yield* Effect.sleep(spacing)
          yield* Effect.raceFirst(
            Queue.take(wake),
            Effect.sleep(settled ? pollInterval : Duration.min(pause, pollInterval))
          )
        }
      }).pipe(Effect.forkScoped)
      return horizons
    })
    // The clock of a reader may be one that a test moves.
    const clock = yield* Clock.Clock
    const shared: RcRef.RcRef<Horizons> = yield* RcRef.make({
      acquire: outside(loop).pipe(Effect.withTracerEnabled(false), Effect.provideService(Clock.Clock, clock))
    })

    return {
      announce: () => {
        Queue.offerUnsafe(committed, undefined)
        Queue.offerUnsafe(wake, undefined)
      },
      // It subscribes before it asks for the present value, so no change falls between.
      horizons: Stream.unwrap(
        Effect.gen(function* () {
          const later = yield* PubSub.subscribe(yield* RcRef.get(shared))
          let seen: EventStore.Horizon | undefined
          return Stream.concat(
            Stream.fromEffect(
              Effect.map(
                Effect.retry(ask(true), { schedule: backoff, while: (error) => error.isRetryable }),
                (horizon): FoundHorizon => Exit.succeed(horizon)
              )
            ),
            Stream.fromSubscription(later)
          ).pipe(
            Stream.mapEffect((found) => found),
            Stream.filter((horizon) => isOther(horizon, seen) && ((seen = horizon), true))
          )
        })
      )
    }
  })

type FoundHorizon = Exit.Exit<EventStore.Horizon, EventStoreError>
type Horizons = PubSub.PubSub<FoundHorizon>

/** Whether there is more to read than at the horizon before, or another log. */
const isFurther = ({ history, position }: EventStore.Horizon, before: EventStore.Horizon | undefined): boolean =>
  before === undefined || history !== before.history || position > before.position

/** Whether a horizon tells a reader something new. One that is lower in the same history is an older answer. */
const isOther = (horizon: EventStore.Horizon, before: EventStore.Horizon | undefined): boolean =>
  before === undefined ||
  isFurther(horizon, before) ||
  (horizon.position === before.position && holdersOf(horizon) !== holdersOf(before))

// The time of a process is left out: for a transaction that has just ended, the server gives the time of its end.
const holdersOf = ({ holders }: EventStore.Horizon): string =>
  holders.map(({ pid, since }) => pid ?? `since ${since?.epochMilliseconds}`).join()

const backoff = Schedule.min([Schedule.exponential("100 millis"), Schedule.spaced("5 seconds")])

// After a horizon that has moved, the loop asks for no other one for so long: each question slows the appends down, and
// each answer wakes all readers.
const spacing = Duration.millis(5)

// How long the loop waits between two questions while the store is away or an append is under way.
const shortest = Duration.millis(2)
const longest = Duration.millis(100)

const isRetryable = (cause: Cause.Cause<EventStoreError>): boolean =>
  cause.reasons.every((reason) => reason._tag === "Fail" && reason.error.isRetryable)
