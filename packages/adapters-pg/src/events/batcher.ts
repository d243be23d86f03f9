import { EventStoreError, Reason } from "@hexfold/core"
import { type Cause, Effect, Exit, Fiber, FiberSet, type Scope, type Tracer } from "effect"
import * as KeyLocks from "./keyLocks.ts"

/** How a batcher works. */
export interface Options<In, Out, E> {
  /** The operation that an error of the batcher names. */
  readonly operation: EventStoreError["operation"]
  /** One call for many requests: an exit for each, or a failure of the whole call. */
  readonly call: (batch: ReadonlyArray<In>) => Effect.Effect<ReadonlyArray<Exit.Exit<Out, E>>, E | EventStoreError>
  /** Whether a call with this failure has certainly done nothing, and may be made again in parts. */
  readonly isUndone: (cause: Cause.Cause<unknown>) => boolean
  /** The keys that a request touches. */
  readonly touches: (request: In) => KeyLocks.Touches
  /** The most calls under way at once. */
  readonly maxInFlight: number
  /** The most requests of a call. */
  readonly maxBatch: number
}

interface Entry<In, Out, E> {
  readonly request: In
  readonly touches: KeyLocks.Touches
  /** The span of the caller. */
  readonly span: Tracer.AnySpan | undefined
  readonly resume: (exit: Exit.Exit<Out, E>) => void
}

/**
 * Shares calls among concurrent requests. It sends at once when idle, gathers
 * requests while calls are under way, and never waits on purpose. Requests that
 * touch the same key exclusively go one after the other, in the order they came.
 *
 * A call that failed as a whole and has certainly done nothing is split, until
 * the request that broke it stands alone. If a caller is interrupted, its request
 * is dropped if it still waits; otherwise it happens with its call.
 *
 * The spans of a call belong to the first of its callers that has a span. Without
 * such a caller the call makes no spans.
 */
export const make = <In, Out, E>(
  options: Options<In, Out, E | EventStoreError>
): Effect.Effect<(request: In) => Effect.Effect<Out, E | EventStoreError>, never, Scope.Scope> =>
  Effect.gen(function* () {
    type Waiting = Entry<In, Out, E | EventStoreError>
    let waiting: Array<Waiting> = []
    let inFlight = 0
    let scheduled = false
    let open = true
    const locks = KeyLocks.make()
    const fork = yield* FiberSet.makeRuntime<never>()

    yield* Effect.addFinalizer(() =>
      Effect.sync(() => {
        open = false
        for (const entry of waiting) entry.resume(Exit.fail(closed(options.operation)))
        waiting = []
      })
    )

    // Runs once the tick that submitted is over, so that all its requests share a call.
    const pump = (): void => {
      scheduled = false
      while (open && inFlight < options.maxInFlight && waiting.length > 0) {
        const [batch, rest] = gather(waiting, locks, options.maxBatch)
        waiting = rest
        if (batch.length === 0) return
        inFlight++
        fork(
          Effect.onExit(inTraceOf(batch, split(options, batch)), (exit) =>
            Effect.sync(() => {
              // Only the end of the store cuts a call off. A request that has its answer by then keeps it.
              if (Exit.isFailure(exit)) {
                const error = closed(options.operation)
                for (const entry of batch) entry.resume(Exit.fail(error))
              }
              inFlight--
              for (const { touches } of batch) locks.release(touches)
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

    return (request) =>
      Effect.callback((resume) => {
        if (!open) return resume(Exit.fail(closed(options.operation)))
        const caller = Fiber.getCurrent()?.cache
        // A caller that has turned tracing off may still stand in a span.
        const span = caller?.tracerEnabled === true ? caller.span : undefined
        const entry: Waiting = { request, touches: options.touches(request), span, resume }
        waiting.push(entry)
        schedule()
        return Effect.sync(() => {
          const place = waiting.indexOf(entry)
          if (place >= 0) waiting.splice(place, 1)
        })
      })
  })

/** Calls for a batch; splits it if the call has failed as a whole and has done nothing. */
const split = <In, Out, E>(
  options: Options<In, Out, E | EventStoreError>,
  batch: ReadonlyArray<Entry<In, Out, E | EventStoreError>>
): Effect.Effect<void> =>
  Effect.matchCauseEffect(
    Effect.suspend(() => options.call(batch.map(({ request }) => request))),
    {
      onSuccess: (exits) => Effect.sync(() => batch.forEach((entry, i) => entry.resume(exits[i]!))),
      onFailure: (cause) => {
        if (batch.length === 1 || !options.isUndone(cause)) {
          return Effect.sync(() => batch.forEach((entry) => entry.resume(Exit.failCause(cause))))
        }
        const half = batch.length >> 1
        return Effect.andThen(split(options, batch.slice(0, half)), split(options, batch.slice(half)))
      }
    }
  )

/** Takes a batch from the requests that wait, and the keys of its requests; returns those that still wait, too. */
const gather = <W extends { readonly touches: KeyLocks.Touches }>(
  waiting: ReadonlyArray<W>,
  locks: KeyLocks.KeyLocks,
  maxBatch: number
): readonly [batch: ReadonlyArray<W>, rest: Array<W>] => {
  const batch: Array<W> = []
  const passed: Array<W> = []
  // A request that is passed over blocks its keys for later ones: first come, first served.
  const blocked = new Set<string>()
  let i = 0
  for (; i < waiting.length && batch.length < maxBatch && passed.length < 4 * maxBatch; i++) {
    const entry = waiting[i]!
    if (locks.take(entry.touches, blocked)) batch.push(entry)
    else {
      for (const key of entry.touches.exclusive) blocked.add(key)
      for (const key of entry.touches.shared) blocked.add(key)
      passed.push(entry)
    }
  }
  return [batch, passed.length === 0 && i === waiting.length ? [] : passed.concat(waiting.slice(i))]
}

const inTraceOf = (
  batch: ReadonlyArray<{ readonly span: Tracer.AnySpan | undefined }>,
  call: Effect.Effect<void>
): Effect.Effect<void> => {
  const span = batch.find((entry) => entry.span !== undefined)?.span
  return span === undefined ? Effect.withTracerEnabled(call, false) : Effect.withParentSpan(call, span)
}

const closed = (operation: EventStoreError["operation"]) =>
  new EventStoreError({
    operation,
    reason: new Reason.Unavailable({ detail: "the store is closed" })
  })
