import type { PgClient } from "@effect/sql-pg"
import type { EventStore, EventStoreError } from "@hexfold/core"
import { type Cause, Duration, Effect, Exit, PubSub, Queue, RcRef, Schedule, type Scope, Stream } from "effect"

/** How readers hear of new events. */
export interface Options {
  readonly pg: PgClient.PgClient
  /** Whether readers listen; otherwise they poll. */
  readonly listens: boolean
  /** The channel of LISTEN and NOTIFY. */
  readonly channel: string
  /** How long the loop waits at most before it asks again. */
  readonly pollInterval: Duration.Duration
  /** Asks the server for the horizon. */
  readonly horizon: Effect.Effect<EventStore.Horizon, EventStoreError>
  /** Limits the time of a statement. */
  readonly limited: <A, E>(query: Effect.Effect<A, E>) => Effect.Effect<A, E | EventStoreError>
  /** Runs an effect outside of any transaction of the fiber that happens to start it. */
  readonly outside: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
}

/** Lets readers, of this process and of others, know that there may be new events. */
export interface WakeUps {
  /** Announces a commit. It returns at once. */
  readonly announce: () => void
  /** The horizon now, and each higher one. */
  readonly horizons: Stream.Stream<EventStore.Horizon, EventStoreError>
}

/**
 * One loop asks for the horizon on behalf of all readers of the process, and
 * runs only while there are readers. It asks when a process notifies, its own
 * included, and after the poll interval; a lost wake-up costs time and nothing
 * else. While appends are under way the loop asks at short intervals, because an
 * append that rolls back notifies nobody and yet moves the horizon.
 *
 * All of this is background work that no caller waits for: it makes no spans.
 */
export const make = (options: Options): Effect.Effect<WakeUps, never, Scope.Scope> =>
  Effect.gen(function* () {
    const { channel, limited, listens, outside, pg, pollInterval } = options
    const horizon = Effect.withTracerEnabled(options.horizon, false)
    const committed = yield* Queue.sliding<void>(1)
    const wake = yield* Queue.sliding<void>(1)

    // A notification inside the commit would hold a lock of the whole database until the commit has ended. So it follows.
    const notify = pg.unsafe(
      "select pg_catalog.set_config('synchronous_commit', 'off', true), pg_catalog.pg_notify($1, '')::text",
      [channel]
    )
    yield* Queue.take(committed).pipe(
      Effect.andThen(Effect.ignoreCause(outside(limited(notify)))),
      Effect.andThen(Effect.sleep("10 millis")),
      Effect.forever,
      Effect.withTracerEnabled(false),
      Effect.forkScoped
    )

    const listen = Stream.unwrap(
      Effect.map(pg.listen(channel), (notifications) =>
        // What was sent before this connection listened is lost, so the loop looks once.
        Stream.concat(Stream.succeed(undefined), Stream.fromQueue(notifications))
      )
    ).pipe(
      Stream.runForEach(() => Queue.offer(wake, undefined)),
      Effect.retry(backoff),
      Effect.ignoreCause
    )

    // The first reader starts the loop for all readers, so nothing of that reader's context may get in.
    const loop: Effect.Effect<Horizons, never, Scope.Scope> = Effect.gen(function* () {
      const horizons: Horizons = yield* PubSub.sliding<FoundHorizon>(1)
      if (listens) yield* Effect.forkScoped(listen)
      yield* Effect.gen(function* () {
        let current = -1
        let pause = shortest
        while (true) {
          const found = yield* Effect.exit(horizon)
          if (Exit.isFailure(found) && !isRetryable(found.cause)) {
            // A reader that comes later starts another loop.
            yield* RcRef.invalidate(shared)
            yield* PubSub.publish(horizons, Exit.failCause(found.cause))
            return
          }
          const advanced = Exit.isSuccess(found) && found.value.position > current
          if (advanced) {
            current = found.value.position
            yield* PubSub.publish(horizons, found)
          }
          const settled = Exit.isSuccess(found) && found.value.position === found.value.drawn
          pause = advanced || settled ? shortest : Duration.min(Duration.times(pause, 2), longest)
          yield* Effect.raceFirst(
            Queue.take(wake),
            Effect.sleep(settled ? pollInterval : Duration.min(pause, pollInterval))
          )
        }
      }).pipe(Effect.forkScoped)
      return horizons
    })
    const shared: RcRef.RcRef<Horizons> = yield* RcRef.make({ acquire: Effect.withTracerEnabled(outside(loop), false) })

    return {
      announce: () => void Queue.offerUnsafe(committed, undefined),
      // It subscribes before it asks for the present value, so no change falls between.
      horizons: Stream.unwrap(
        Effect.gen(function* () {
          const later = yield* PubSub.subscribe(yield* RcRef.get(shared))
          let seen = -1
          return Stream.concat(
            Stream.fromEffect(
              Effect.map(
                Effect.retry(horizon, { schedule: backoff, while: (error) => error.isRetryable }),
                (horizon): FoundHorizon => Exit.succeed(horizon)
              )
            ),
            Stream.fromSubscription(later)
          ).pipe(
            Stream.mapEffect((found) => found),
            Stream.filter(({ position }) => position > seen && ((seen = position), true))
          )
        })
      )
    }
  })

type FoundHorizon = Exit.Exit<EventStore.Horizon, EventStoreError>
type Horizons = PubSub.PubSub<FoundHorizon>

const backoff = Schedule.min([Schedule.exponential("100 millis"), Schedule.spaced("5 seconds")])

// How long to wait before asking again while the store is away or an append is under way.
const shortest = Duration.millis(2)
const longest = Duration.millis(100)

const isRetryable = (cause: Cause.Cause<EventStoreError>): boolean =>
  cause.reasons.every((reason) => reason._tag === "Fail" && reason.error.isRetryable)
