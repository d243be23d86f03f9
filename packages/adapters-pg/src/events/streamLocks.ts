import { EventStoreError, Reason, StreamId, type StreamLocks } from "@hexfold/core"
import { AppendCheck } from "@hexfold/core/adapter"
import { Cause, Deferred, Duration, Effect, Fiber, Semaphore } from "effect"
import type { SqlClient, SqlError } from "effect/sql"
import { bigints, int4, texts } from "../database/binds.ts"
import type { Limit } from "../database/disconnect.ts"
import { isLockTimeout, translated } from "../database/errors.ts"
import { typedTransaction, whetherJoined } from "../database/transactions.ts"
import { lockCall } from "../sql/locks.ts"
import { commandKeyOf, keyOf } from "./keys.ts"
import { namingStreams } from "./lockTimeout.ts"

/** What the locks need. */
export interface Options {
  readonly sql: SqlClient.SqlClient
  readonly schema: string
  /** The generations that this process maintains and whose records several streams touch. It takes the lock of the flags before it asks. */
  readonly ordered: (
    lockFlags: Effect.Effect<unknown, SqlError.SqlError>
  ) => Effect.Effect<ReadonlyArray<bigint>, SqlError.SqlError>
  readonly limited: Limit
  /** The limit in time of `limited`. */
  readonly timeout: Duration.Duration
  readonly lockTimeout: Duration.Duration
  /** How many transactions may hold locks, or wait for them, at once. Each uses a connection of the pool. */
  readonly places: number
}

/** What a transaction locks, each in ascending order. */
interface Keys {
  readonly streams: ReadonlyArray<string>
  readonly aggregates: ReadonlyArray<string>
  readonly commands: ReadonlyArray<string>
}

/**
 * Makes the locks of streams. Transactions that are blocked take turns, so that
 * any number of them leaves places to others.
 */
export const make = (options: Options): StreamLocks.StreamLocks["Service"] => {
  const { limited, lockTimeout, ordered, places, schema, sql, timeout } = options
  const free = Semaphore.makeUnsafe(places)
  const call = (keys: Keys, ordered: ReadonlyArray<bigint>, patience: number) =>
    sql.unsafe(lockCall(schema), [
      texts(keys.streams),
      texts(keys.aggregates),
      texts(keys.commands),
      bigints(ordered),
      int4(patience)
    ])
  const lock = (keys: Keys, patience: number) =>
    Effect.flatMap(ordered(call(nothing, [], patience)), (ordered) => call(keys, ordered, patience))

  return {
    hold: <A, E, R>(
      streams: ReadonlyArray<StreamId.StreamId>,
      commandIds: ReadonlyArray<string>,
      effect: Effect.Effect<A, E, R>
    ): Effect.Effect<A, E | EventStoreError, R> =>
      whetherJoined(sql, (joined) => {
        const refused = joined ? nested() : problemOf(streams, commandIds)
        if (refused !== undefined) return Effect.fail(refused)
        const keys = keysOf(streams, commandIds)
        const named = [...new Set(streams)].map((streamId) => ({ streamId }))
        const deadline = Date.now() + Duration.toMillis(lockTimeout)
        const attempt: Effect.Effect<A, E | EventStoreError, R> = Effect.suspend(() => {
          const patience = Math.ceil(Math.max(1, Math.min(deadline - Date.now(), turn)))
          let blocked: SqlError.SqlError | undefined
          const locking = Effect.tapError(lock(keys, patience), (error) =>
            Effect.sync(() => {
              if (isLockTimeout(error)) blocked = error
            })
          )
          const holding = inSteps(
            limited("append")(translated("append")(locking)),
            effect,
            typedTransaction(sql),
            timeout
          )
          return Effect.catchCause(free.withPermits(1)(holding), (cause) => {
            if (blocked === undefined || Cause.hasInterrupts(cause)) return Effect.failCause(cause)
            if (Date.now() < deadline) return attempt
            const naming = namingStreams(sql, schema, withKeys(named), false)(Effect.fail(blocked))
            return limited("append")(translated("append")(naming))
          })
        })
        return attempt
      })
  }
}

/** How long a blocked transaction waits before another one has its turn, in milliseconds. */
const turn = 500

const nothing: Keys = { streams: [], aggregates: [], commands: [] }

const keysOf = (streams: ReadonlyArray<StreamId.StreamId>, commandIds: ReadonlyArray<string>): Keys => ({
  streams: ascending(streams.map(keyOf)),
  aggregates: ascending(streams.map(StreamId.aggregateOf)),
  commands: ascending(commandIds.map(commandKeyOf))
})

// The order of appends, which compare keys with `<`.
const ascending = (keys: ReadonlyArray<string>): ReadonlyArray<string> =>
  [...new Set(keys)].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0))

const withKeys = (streams: ReadonlyArray<{ readonly streamId: StreamId.StreamId }>) => ({
  streams: streams.map(({ streamId }) => ({ streamId, key: keyOf(streamId) }))
})

const problemOf = (
  streams: ReadonlyArray<StreamId.StreamId>,
  commandIds: ReadonlyArray<string>
): EventStoreError | undefined => {
  const refused = AppendCheck.checkRead(
    "append",
    streams.map((streamId) => ({ streamId }))
  )
  if (refused !== undefined) return refused
  for (const id of commandIds) {
    const refused = AppendCheck.checkRead("append", [], { id, fingerprint: "" })
    if (refused !== undefined) return refused
  }
  return undefined
}

const nested = () =>
  new EventStoreError({
    operation: "append",
    reason: new Reason.Rejected({
      detail:
        "streams cannot be locked inside a transaction of the caller: it may hold locks that come later in the order"
    })
  })

/**
 * Runs a transaction that locks and then runs an effect. Its begin, its locks and
 * its end are limited in time, also on a connection that is silent; the effect has
 * no limit. So the transaction runs in a fiber of its own, which is not waited for
 * any more when a limit is over. An interruption waits for the rollback.
 */
const inSteps = <A, E, R, E2, E3>(
  lock: Effect.Effect<unknown, E2>,
  effect: Effect.Effect<A, E, R>,
  transaction: (effect: Effect.Effect<A, E | E2, R>) => Effect.Effect<A, E3, R>,
  limit: Duration.Duration
): Effect.Effect<A, E3 | EventStoreError, R> =>
  Effect.suspend(() => {
    const locked = Deferred.makeUnsafe<void>()
    const done = Deferred.makeUnsafe<void>()
    const running = transaction(
      Effect.andThen(
        Effect.andThen(lock, Deferred.succeed(locked, undefined)),
        Effect.onExit(effect, () => Deferred.succeed(done, undefined))
      )
    )
    return Effect.flatMap(Effect.forkDetach(Effect.interruptible(running), { startImmediately: true }), (fiber) => {
      const ended = Fiber.await(fiber)
      const within = (step: Effect.Effect<unknown>) =>
        Effect.timeoutOrElse(step, { duration: limit, orElse: () => Effect.fail(late(limit)) })
      return Effect.andThen(within(Effect.raceFirst(Deferred.await(locked), ended)), () =>
        Effect.andThen(Effect.raceFirst(Deferred.await(done), ended), () =>
          Effect.andThen(within(ended), () => Fiber.join(fiber))
        )
      ).pipe(
        Effect.onError((cause) => {
          fiber.interruptUnsafe()
          if (!Cause.hasInterrupts(cause)) return Effect.void
          const rollback = Effect.forkDetach(Effect.interruptible(Effect.timeoutOption(ended, limit)))
          return Effect.flatMap(rollback, Fiber.await)
        })
      )
    })
  })

const late = (limit: Duration.Duration) =>
  new EventStoreError({
    operation: "append",
    reason: new Reason.Timeout({ detail: `no answer within ${Duration.format(limit)}` })
  })
