import { EventStoreError, Reason } from "@hexfold/core"
import { type Cause, Effect, Exit, FiberSet, type Scope } from "effect"

/** What one call touches, so that no two requests of a call, nor two calls under way, get in each other's way. */
export interface Touches {
  /** At most one request under way may have a key here, */
  readonly exclusive: ReadonlyArray<string>
  /** and then none may have it here. */
  readonly shared: ReadonlyArray<string>
}

/** How a batcher works. */
export interface Options<In, Out, E> {
  readonly operation: EventStoreError["operation"]
  /** One call for many requests: an exit for each, or a failure of the whole call. */
  readonly call: (batch: ReadonlyArray<In>) => Effect.Effect<ReadonlyArray<Exit.Exit<Out, E>>, E | EventStoreError>
  /** Whether a call that failed so has certainly done nothing, and may be made again in parts. */
  readonly isUndone: (cause: Cause.Cause<unknown>) => boolean
  readonly touches: (request: In) => Touches
  readonly maxInFlight: number
  readonly maxBatch: number
}

interface Entry<In, Out, E> {
  readonly request: In
  readonly touches: Touches
  readonly resume: (exit: Exit.Exit<Out, E>) => void
}

/**
 * Shares calls among concurrent requests: sends at once when idle, gathers
 * while calls are under way, and never waits on purpose. Requests that touch
 * the same key exclusively go one after the other, in the order they came.
 *
 * A call that failed as a whole and has certainly done nothing is split, until
 * the request that broke it stands alone. A caller that is interrupted leaves; its request
 * is dropped if it waits still, and otherwise happens with its call.
 */
export const make = <In, Out, E>(
  options: Options<In, Out, E | EventStoreError>
): Effect.Effect<(request: In) => Effect.Effect<Out, E | EventStoreError>, never, Scope.Scope> =>
  Effect.gen(function* () {
    type Failure = E | EventStoreError
    let waiting: Array<Entry<In, Out, Failure>> = []
    let inFlight = 0
    let scheduled = false
    let open = true
    const exclusive = new Set<string>()
    const shared = new Map<string, number>()
    const fork = yield* FiberSet.makeRuntime<never>()

    yield* Effect.addFinalizer(() =>
      Effect.sync(() => {
        open = false
        for (const entry of waiting) entry.resume(Exit.fail(closed(options.operation)))
        waiting = []
      })
    )

    const split = (batch: ReadonlyArray<Entry<In, Out, Failure>>): Effect.Effect<void> =>
      Effect.matchCauseEffect(
        Effect.suspend(() => options.call(batch.map(({ request }) => request))),
        {
          onSuccess: (exits) => Effect.sync(() => batch.forEach((entry, i) => entry.resume(exits[i]!))),
          onFailure: (cause) => {
            if (batch.length === 1 || !options.isUndone(cause)) {
              return Effect.sync(() => batch.forEach((entry) => entry.resume(Exit.failCause(cause))))
            }
            const half = batch.length >> 1
            return Effect.andThen(split(batch.slice(0, half)), split(batch.slice(half)))
          }
        }
      )

    // Runs once the tick that submitted is over, so that all its requests share a call.
    const pump = (): void => {
      scheduled = false
      while (open && inFlight < options.maxInFlight && waiting.length > 0) {
        const batch = gather()
        if (batch.length === 0) return
        inFlight++
        fork(
          Effect.onExit(split(batch), (exit) =>
            Effect.sync(() => {
              // Only the end of the store cuts a call off; whoever has an answer by then keeps it.
              if (Exit.isFailure(exit)) {
                const error = closed(options.operation)
                for (const entry of batch) entry.resume(Exit.fail(error))
              }
              inFlight--
              for (const { touches } of batch) release(touches)
              schedule()
            })
          )
        )
      }
    }

    const schedule = (): void => {
      if (scheduled) return
      scheduled = true
      queueMicrotask(pump)
    }

    // What is passed over blocks its keys for those behind it: first come, first served.
    const gather = (): ReadonlyArray<Entry<In, Out, Failure>> => {
      const batch: Array<Entry<In, Out, Failure>> = []
      const passed: Array<Entry<In, Out, Failure>> = []
      const blocked = new Set<string>()
      let i = 0
      for (; i < waiting.length && batch.length < options.maxBatch && passed.length < 4 * options.maxBatch; i++) {
        const entry = waiting[i]!
        const { exclusive: writes, shared: reads } = entry.touches
        const free =
          writes.every((key) => !exclusive.has(key) && !shared.has(key) && !blocked.has(key)) &&
          reads.every((key) => !exclusive.has(key) && !blocked.has(key))
        if (free) {
          for (const key of writes) exclusive.add(key)
          for (const key of reads) shared.set(key, (shared.get(key) ?? 0) + 1)
          batch.push(entry)
        } else {
          for (const key of writes) blocked.add(key)
          for (const key of reads) blocked.add(key)
          passed.push(entry)
        }
      }
      waiting = passed.length === 0 && i === waiting.length ? [] : passed.concat(waiting.slice(i))
      return batch
    }

    const release = (touches: Touches): void => {
      for (const key of touches.exclusive) exclusive.delete(key)
      for (const key of touches.shared) {
        const count = shared.get(key)! - 1
        if (count === 0) shared.delete(key)
        else shared.set(key, count)
      }
    }

    return (request) =>
      Effect.callback((resume) => {
        if (!open) return resume(Exit.fail(closed(options.operation)))
        const entry: Entry<In, Out, Failure> = { request, touches: options.touches(request), resume }
        waiting.push(entry)
        schedule()
        return Effect.sync(() => {
          const place = waiting.indexOf(entry)
          if (place >= 0) waiting.splice(place, 1)
        })
      })
  })

const closed = (operation: EventStoreError["operation"]) =>
  new EventStoreError({
    operation,
    reason: new Reason.Unavailable({ detail: "the store is closed" })
  })
