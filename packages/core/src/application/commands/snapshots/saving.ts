import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Latch from "effect/Latch"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import * as Stream from "effect/Stream"
import { disconnectWithin } from "../../../internal/disconnect.ts"
import { EventStoreError, SnapshotStoreError } from "../../../ports/errors.ts"
import { jsonBytes } from "../../../ports/jsonBytes.ts"
import { Timeout } from "../../../ports/Reason.ts"
import * as SnapshotCheck from "../../../ports/SnapshotCheck.ts"
import type { NewSnapshot, SnapshotStore } from "../../../ports/SnapshotStore.ts"
import { foldRecorded } from "../../events/recording.ts"
import type { Dropped } from "./metrics.ts"
import * as Queue from "./queue.ts"
import { reportedSteadily } from "./reports.ts"
import type { Committed } from "./snapshotting.ts"

/** The most states of one call to the store, and about the most bytes. */
const [mostTogether, bytesTogether] = [32, 1 << 20]
/** The most time for one call to the store. */
const limit = Duration.seconds(10)
/** The most time for saving what still waits when the layer ends. */
const endLimit = Duration.seconds(5)

/** A state that is not saved, and why. */
class NotSaved {
  readonly reason: Dropped
  readonly cause: Cause.Cause<unknown> | undefined
  constructor(reason: Dropped, cause?: Cause.Cause<unknown>) {
    this.reason = reason
    this.cause = cause
  }
}

/**
 * Saves states in the background, until the scope ends; what waits then is saved
 * within a few seconds. Gives the function that adds an item.
 *
 * Why nothing is lost between two wake-ups: an item is in the queue before the latch
 * opens, and the latch closes before the queue is looked at. Why a stream's states are
 * saved in their order: one fiber at a time saves, and the queue has one item a stream.
 */
export const saving = (
  store: SnapshotStore["Service"],
  capacity: number
): Effect.Effect<(item: Queue.Item) => void, never, Scope.Scope> =>
  Effect.gen(function* () {
    const queue = Queue.make(capacity)
    const latch = Latch.makeUnsafe(false)
    const one = Semaphore.makeUnsafe(1)
    let hasEnded = false
    const { failed, succeeded } = reportedSteadily({
      failing: "snapshots cannot be saved, so streams are read from earlier ones on, or as a whole",
      again: "snapshots are saved again"
    })
    const unkept = reportedSteadily({ failing: "a state cannot be kept as a snapshot" })
    /** The streams whose snapshots were not saved although they could be kept. */
    const missed = new Map<string, Pick<Queue.Item, "covered" | "streamId">>()

    const drop = ({ committed, covered, streamId }: Queue.Item, reason: Dropped) => {
      if (committed === undefined) return
      covered.meters.dropped(reason)
      // It is due again with the next state, which is then of the present history.
      if (reason === "lost") covered.last.forget(streamId)
      // The snapshot is due again when the store works. A try before that would encode the state for nothing.
      if (reason === "lost" || reason === "state" || missed.size === capacity) return
      missed.set(`${covered.fingerprint} ${streamId}`, { covered, streamId })
    }

    /** The store works: what it has missed is due again. */
    const works = Effect.suspend(() => {
      for (const { covered, streamId } of missed.values()) covered.last.forget(streamId)
      missed.clear()
      return succeeded
    })

    /** Reports why a state was not saved. That the log has lost its events is no mistake. */
    const notSaved = (item: Queue.Item, { cause, reason }: NotSaved) => {
      drop(item, reason)
      if (cause === undefined) return Effect.void
      return reason === "state" ? unkept.failed(cause) : failed(cause)
    }

    const asked = <A, E>(call: () => Effect.Effect<A, E>, operation: SnapshotStoreError["operation"]) =>
      disconnectWithin(
        Effect.suspend(call),
        limit,
        (detail) => new SnapshotStoreError({ operation, reason: new Timeout({ detail }) })
      )

    const remove = ({ covered: { fingerprint }, streamId }: Queue.Item) =>
      asked(() => store.remove({ streamId, fingerprint }), "remove")

    const save = (prepared: ReadonlyMap<Queue.Item, NewSnapshot>) =>
      Effect.gen(function* () {
        if (prepared.size === 0) return
        const exit = yield* Effect.exit(asked(() => store.save([...prepared.values()]), "save"))
        if (Exit.isFailure(exit)) {
          for (const item of prepared.keys()) drop(item, "store")
          return yield* failed(exit.cause)
        }
        for (const [{ covered }, snapshot] of prepared) {
          covered.meters.saved()
          covered.last.set(snapshot)
        }
        yield* works
      })

    const saveAll = (items: ReadonlyArray<Queue.Item>) =>
      Effect.gen(function* () {
        let prepared = new Map<Queue.Item, NewSnapshot>()
        let bytes = 0
        for (const item of items) {
          const exit = yield* Effect.exit(item.removes ? Effect.andThen(remove(item), prepare(item)) : prepare(item))
          // A state that takes long to encode does not hold the process up together with the next one.
          yield* Effect.yieldNow
          if (Exit.isFailure(exit)) {
            yield* notSaved(item, reasonOf(exit.cause))
            continue
          }
          if (exit.value === undefined) continue
          prepared.set(item, exit.value)
          bytes += jsonBytes(exit.value.state)
          if (bytes < bytesTogether) continue
          yield* save(prepared)
          prepared = new Map()
          bytes = 0
        }
        yield* save(prepared)
      })

    const drain = one.withPermit(
      Effect.whileLoop({
        while: () => queue.size() > 0,
        body: () => saveAll(queue.take(mostTogether)),
        step: () => {}
      })
    )

    yield* Effect.forkScoped(
      Effect.forever(
        Effect.gen(function* () {
          yield* latch.await
          latch.closeUnsafe()
          yield* Effect.catchCause(drain, failed)
        })
      )
    )
    // It runs before the fiber is interrupted, because it was added later.
    yield* Effect.addFinalizer(() =>
      Effect.gen(function* () {
        hasEnded = true
        yield* Effect.timeoutOption(Effect.interruptible(drain), endLimit)
        for (const item of queue.take(capacity)) drop(item, "ended")
      })
    )
    return (item) => {
      if (hasEnded) return drop(item, "ended")
      const dropped = queue.put(item)
      if (dropped !== undefined) drop(dropped, "full")
      latch.openUnsafe()
    }
  })

/** The snapshot of an item; undefined if there is nothing to save. */
const prepare = ({ committed, covered, streamId }: Queue.Item): Effect.Effect<NewSnapshot | undefined, NotSaved> =>
  Effect.gen(function* () {
    if (committed === undefined) return undefined
    const { fingerprint, last, rule, states } = covered
    const { history, version } = committed
    const state = yield* folded(committed)
    if (rule !== undefined) {
      const sinceSnapshot = version - last.of(streamId, history)
      if (sinceSnapshot <= 0) return undefined
      // The rule was declared together with the aggregate that has made the state.
      const isDue = yield* trying(() => rule({ state: state as never, version, sinceSnapshot }))
      if (!isDue) return undefined
    }
    const position = yield* positionOf(committed)
    const json = yield* Effect.flatMap(
      trying(() => states.encode(state)),
      (encoded) =>
        Result.isSuccess(encoded)
          ? Effect.succeed(encoded.success)
          : Effect.fail(unkeepable(new Error(`the state of ${streamId} ${encoded.failure}`)))
    )
    const snapshot = { streamId, fingerprint, version, history, position, state: json }
    const refused = SnapshotCheck.check([snapshot])
    return refused === undefined ? SnapshotCheck.checked(snapshot) : yield* Effect.fail(unkeepable(refused))
  })

const folded = ({ events, source, state }: Committed): Effect.Effect<unknown, NotSaved> =>
  Effect.flatMap(
    trying(() => foldRecorded(source, events, state)),
    (folded) => (Result.isSuccess(folded) ? Effect.succeed(folded.success) : Effect.fail(unkeepable(folded.failure)))
  )

/**
 * The position of the last event of a state, if the log is still in the history in which
 * the state was read. A process may notice late that a history has ended: a read that
 * names the history makes it notice.
 *
 * If the history ends after that, and the log has lost the event, or has another one at
 * its version, the position lies behind the end of the history, and the snapshot is
 * never used.
 */
const positionOf = ({ history, store, streamId, version }: Committed): Effect.Effect<number, NotSaved> =>
  disconnectWithin(
    Effect.andThen(
      Stream.runDrain(store.readAll({ history, upTo: 0, limit: 1 })),
      Stream.runHead(store.readStream(streamId, { after: version - 1, limit: 1 }))
    ),
    limit,
    (detail) => new EventStoreError({ operation: "readStream", reason: new Timeout({ detail }) })
  ).pipe(
    Effect.mapError((error) =>
      error.reason._tag === "PositionFromAnotherHistory"
        ? new NotSaved("lost")
        : new NotSaved("store", Cause.fail(error))
    ),
    Effect.flatMap((event) =>
      Option.isSome(event) ? Effect.succeed(event.value.position) : Effect.fail(new NotSaved("lost"))
    )
  )

/** Runs a function of the program, which may throw. */
const trying = <A>(run: () => A): Effect.Effect<A, NotSaved> =>
  Effect.try({ try: run, catch: (defect) => unkeepable(defect) })

const unkeepable = (error: unknown): NotSaved => new NotSaved("state", Cause.fail(error))

const reasonOf = (cause: Cause.Cause<unknown>): NotSaved => {
  const error = Cause.squash(cause)
  return error instanceof NotSaved ? error : new NotSaved("store", cause)
}
