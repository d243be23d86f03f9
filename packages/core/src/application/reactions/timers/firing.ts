/** Lets timers fire when their time has come. */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { Timer, WaitingTimers } from "../../../domain/process/timers.ts"
import * as Query from "../../../domain/Query.ts"
import { declaredIndexes } from "../../../domain/query/indexes.ts"
import type { EventStoreError, ViewStoreError } from "../../../ports/errors.ts"
import { reported, withMessage } from "../../../internal/reported.ts"
import { EventStore, type Write } from "../../../ports/EventStore.ts"
import * as Expectation from "../../../ports/Expectation.ts"
import { ProjectionStore } from "../../../ports/ProjectionStore.ts"
import type { ViewStore } from "../../../ports/ViewStore.ts"
import * as Ids from "../../events/Ids.ts"
import { newEvents } from "../../events/recording.ts"
import { withLease } from "../../projections/worker/lease.ts"
import { nameOf, Process } from "../../projections/worker/process.ts"
import * as Projection from "../../projections/Projection.ts"
import * as Records from "../../queries/Records.ts"
import type { DefinitionDiffers } from "../../views/errors.ts"

/** How timers are watched. */
interface Settings {
  readonly lease: Duration.Duration
  readonly pause: Duration.Duration
}

/**
 * Keeps the view of the waiting timers, and lets those fire whose time has come, in the order of their times. Any number
 * of processes may do it; one of them works.
 *
 * Why a timer fires once. (1) It fires by an append to its own stream, which must be at the version that setting it has
 * made. (2) A cancellation is an append to the same stream at the same version: one of the two is refused. (3) A timer
 * that the view still has although it has fired is refused too, and changes nothing.
 */
export const run = (settings: Settings): Effect.Effect<never, never, EventStore | ProjectionStore | ViewStore> =>
  Effect.gen(function* () {
    const { lease, pause } = settings
    const context = yield* Effect.context<EventStore | ViewStore>()
    const records = yield* ProjectionStore
    const owner = nameOf(yield* Process, (yield* Ids.Next)(yield* Clock.currentTimeMillis))
    const claim = { generation, owner, lease, fingerprint: "1" }
    const report = reported({
      failing: "timers do not fire",
      meanwhile: "those whose time has come wait",
      again: "timers fire again",
      write: withMessage
    })
    const owning = withLease(records, claim, {
      asOwner: () => {
        const fire = firing()
        return Effect.forever(Effect.andThen(Effect.andThen(fire, report.succeeded), Effect.sleep(every))).pipe(
          Effect.provideContext(context)
        )
      },
      divided: () => Effect.void,
      differs: () => Effect.never
    }).pipe(
      Effect.andThen(Effect.sleep(pause)),
      Effect.catch((error) => Effect.andThen(report.failed(Cause.fail(error)), Effect.sleep(pause))),
      Effect.forever
    )
    const keeping = Projection.run(WaitingTimers, { lease, pause }).pipe(
      Effect.catch((error) => Effect.andThen(report.failed(Cause.fail(error)), Effect.sleep(pause))),
      Effect.forever
    )
    return yield* Effect.raceFirst(owning, keeping)
  }).pipe(Effect.withTracerEnabled(false))

/**
 * Lets all timers fire whose time has come, and ends. The view of those that wait is up to date then. `pause` comes before it
 * claims again what another owner still holds.
 */
export const once = (
  pause: Duration.Duration
): Effect.Effect<void, Projection.Failure | DefinitionDiffers, EventStore | ProjectionStore | ViewStore> =>
  Effect.gen(function* () {
    yield* Projection.catchUp(WaitingTimers, { pause })
    yield* Effect.orDie(firing())
    yield* Projection.catchUp(WaitingTimers, { pause })
  })

/** The time of the timer that is the next one to fire, if one waits. */
export const next: Effect.Effect<number | undefined, never, ViewStore> = Effect.suspend(() =>
  Records.query(WaitingTimers, Query.from(WaitingTimers, { orderBy: ["at"], limit: 1 }))
).pipe(
  Effect.map(({ rows }) => rows[0]?.state.at),
  Effect.orDie
)

/** Creates what the stores keep for timers, if it is not there. */
export const prepare: Effect.Effect<void, EventStoreError | ViewStoreError, EventStore | ProjectionStore | ViewStore> =
  Effect.gen(function* () {
    const { claim } = yield* ProjectionStore
    const given = {
      owner: nameOf(yield* Process, (yield* Ids.Next)(yield* Clock.currentTimeMillis)),
      lease: Duration.zero
    }
    const { fingerprint, name: view, version } = WaitingTimers
    yield* claim({ ...given, generation, fingerprint: "1" })
    yield* claim({ ...given, generation: { view, version }, fingerprint, indexes: declaredIndexes(WaitingTimers) })
  })

const generation = { view: "timers/Firing", version: 1 }

/** Lets all timers fire whose time has come, each time that it is run. */
const firing = () => {
  // The view has timers until its projection has seen that they have fired.
  let fired: ReadonlySet<string> = new Set()
  return Effect.gen(function* () {
    const now = yield* Clock.currentTimeMillis
    for (;;) {
      const due = Query.from(WaitingTimers, { where: ({ lte }) => lte("at", now), orderBy: ["at"], limit: most })
      const { rows } = yield* Effect.catchTag(Records.query(WaitingTimers, due), "NotServing", () =>
        Effect.succeed({ rows: [] })
      )
      yield* append(rows.filter(({ key }) => !fired.has(key)))
      fired = new Set(rows.map(({ key }) => key))
      if (rows.length < most) return
      yield* Effect.sleep(soon)
    }
  })
}

type Row = Query.Row<typeof WaitingTimers.schemas.state.Type>

/** Records that timers have fired, those that still wait. */
const append = (rows: ReadonlyArray<Row>) =>
  Effect.contextWith((context: Context.Context<EventStore>) =>
    Effect.gen(function* () {
      const store = Context.get(context, EventStore)
      const next = Context.get(context, Ids.Next)
      const now = yield* Clock.currentTimeMillis
      let left = rows
      while (left.length > 0) {
        const parts = yield* Effect.forEach(left, (row) => Effect.fromResult(writeOf(row, () => next(now))))
        const refused = yield* store
          .append({
            conditions: left.map(({ key }) => ({
              _tag: "Stream" as const,
              streamId: Timer.streamId(key),
              expected: Expectation.exactly(1)
            })),
            parts: parts.map((write) => ({ writes: [write], reads: [] }))
          })
          .pipe(
            Effect.as(undefined),
            Effect.catchTag("ConcurrencyConflict", ({ stream }) => Effect.succeed(stream))
          )
        if (refused === undefined) return
        // It has fired already, or was cancelled.
        left = left.filter(({ key }) => Timer.streamId(key) !== refused)
      }
    })
  )

const writeOf = ({ key, state: { at, correlationId, for: purpose } }: Row, nextId: () => string) =>
  Result.map(
    newEvents(Timer, [{ _tag: "TimerFired", at, for: purpose }], nextId, undefined, {
      correlationId,
      causationId: key
    }),
    (events): Write => ({ streamId: Timer.streamId(key), events })
  )

// A timer fires so long after its time at most, if no more are due than can be written.
const every = Duration.millis(200)
const soon = Duration.millis(20)
const most = 500
