import { EventStoreError, Reason } from "@hexfold/core"
import { type Cause, Duration, Effect, Exit, Fiber, FiberSet, Semaphore, type Scope, type Tracer } from "effect"
import * as KeyLocks from "./keyLocks.ts"
import * as Places from "./places.ts"

/** How a batcher works. */
export interface Options<In, Out, E> {
  /** The operation that an error of the batcher names. */
  readonly operation: EventStoreError["operation"]
  /**
   * One call for many requests: an exit for each, or a failure of the whole call. It
   * ends soon after an interruption, and waits for each lock for `lockTimeout` milliseconds.
   */
  readonly call: (
    batch: ReadonlyArray<In>,
    lockTimeout: number
  ) => Effect.Effect<ReadonlyArray<Exit.Exit<Out, E>>, E | EventStoreError>
  /** Whether a call with this failure has certainly done nothing, and one of its requests may be the reason. It is then made again in parts. */
  readonly isUndone: (cause: Cause.Cause<unknown>) => boolean
  /** Whether a call has waited for a lock too long, and has certainly done nothing. */
  readonly isBlocked: (cause: Cause.Cause<unknown>) => boolean
  /** Whether the server has ended a call because it took longer than the server allows, and it has certainly done nothing. */
  readonly isExpired: (cause: Cause.Cause<unknown>) => boolean
  /** The keys that a request touches. */
  readonly touches: (request: In) => KeyLocks.Touches
  /** What a request wants, for the error of one that did not get its turn. */
  readonly describe: (request: In) => string
  /** The most calls under way at once. */
  readonly maxInFlight: number
  /** The most calls that may be under way beside them while calls are stuck. */
  readonly spare: number
  /** The most requests of a call. */
  readonly maxBatch: number
  /** How long a request waits for its turn, and then for locks. */
  readonly lockTimeout: Duration.Duration
}

interface Entry<In, Out, E> {
  readonly request: In
  readonly touches: KeyLocks.Touches
  /** The span of the caller. */
  readonly span: Tracer.AnySpan | undefined
  readonly resume: (exit: Exit.Exit<Out, E>) => void
  /** When its time is over. */
  readonly deadline: number
  /** The call that carries it. */
  call: Call | undefined
  /** Whether its caller no longer wants an answer, or has one. */
  isOver: boolean
}

interface Call {
  /** How many of its requests are wanted. */
  wanted: number
  fiber: Fiber.Fiber<void> | undefined
}

/**
 * Shares calls among concurrent requests. It sends at once when idle, gathers
 * requests while calls are under way, and never waits on purpose. Requests that
 * touch the same key exclusively go one after the other, in the order they came.
 *
 * Callers that one large call has answered come again at the same moment. If nothing is
 * under way then, their requests are divided into two calls, and from then on this
 * process works on one half while the server works on the other. Measured with 256
 * callers: 1.29 times the commands.
 *
 * No request holds up those that want other keys. A shared call waits for a lock
 * only briefly. If it is blocked, each of its requests is tried alone, in parallel. If
 * the server ends it because it takes too long, each is tried alone, one after the other.
 * One that is blocked alone waits outside of the places of shared calls. If a shared
 * call has certainly done nothing and one of its requests may be the reason, it is
 * split, until the request that broke it stands alone.
 *
 * A request whose caller is interrupted is dropped if it still waits. A call that
 * no caller wants any more is interrupted; it has happened whole or not at all.
 *
 * The spans of a call belong to the first of its callers that has a span. Without
 * such a caller the call makes no spans.
 */
export const make = <In, Out, E>(
  options: Options<In, Out, E | EventStoreError>
): Effect.Effect<(request: In) => Effect.Effect<Out, E | EventStoreError>, never, Scope.Scope> =>
  Effect.gen(function* () {
    type Waiting = Entry<In, Out, E | EventStoreError>
    const lockTimeout = Duration.toMillis(options.lockTimeout)
    /** The requests that are not sent, in the order they came, and those of them that have all of their keys. */
    const waiting = new Set<Waiting>()
    const ready = new Set<Waiting>()
    let scheduled = false
    let open = true
    let timer: NodeJS.Timeout | undefined
    const locks = KeyLocks.make<Waiting>()
    const fork = yield* FiberSet.makeRuntime<never>()
    const lanes = yield* Semaphore.make(options.spare)
    const places = Places.make({
      places: options.maxInFlight,
      spare: options.spare,
      slowAfter,
      onFree: () => schedule()
    })

    yield* Effect.addFinalizer(() =>
      Effect.sync(() => {
        open = false
        clearTimeout(timer)
        for (const entry of waiting) entry.resume(Exit.fail(closed(options.operation)))
        waiting.clear()
        ready.clear()
      })
    )

    // Runs once the tick that submitted is over, so that all its requests share a call.
    const pump = (): void => {
      scheduled = false
      const isDivided = options.maxInFlight > 1 && ready.size >= 2 * worthACall && places.isIdle()
      const most = isDivided ? Math.min(options.maxBatch, Math.ceil(ready.size / 2)) : options.maxBatch
      while (open && ready.size > 0 && places.isFree()) {
        const batch: Array<Waiting> = []
        for (const entry of ready) {
          if (batch.length === most) break
          batch.push(entry)
          ready.delete(entry)
          waiting.delete(entry)
        }
        begin(batch, shared(batch, false), places.take())
      }
    }

    const schedule = (): void => {
      if (scheduled) return
      scheduled = true
      queueMicrotask(pump)
    }

    const begin = (batch: ReadonlyArray<Waiting>, work: Effect.Effect<void>, end: () => void): void => {
      const call: Call = { wanted: batch.length, fiber: undefined }
      for (const entry of batch) entry.call = call
      call.fiber = fork(
        Effect.onExit(inTraceOf(batch, work), (exit) =>
          Effect.sync(() => {
            // The end of the store cuts a call off, or that no caller wants it. A request that moved to another call stays.
            if (Exit.isFailure(exit)) {
              const closing = Exit.fail(closed(options.operation))
              for (const entry of batch) if (entry.call === call) settle(entry, closing)
            }
            end()
          })
        )
      )
    }

    /** Ends a request: its caller gets the answer, and its keys go to the next in line. */
    const settle = (entry: Waiting, exit: Exit.Exit<Out, E | EventStoreError>): void => {
      if (entry.call !== undefined && !entry.isOver) entry.call.wanted--
      entry.isOver = true
      entry.resume(exit)
      free(entry)
    }

    const free = (entry: Waiting): void => {
      for (const next of locks.leave(entry)) ready.add(next)
      if (ready.size > 0) schedule()
    }

    const attempt = (batch: ReadonlyArray<Waiting>, patience: number) =>
      Effect.suspend(() =>
        options.call(
          batch.map(({ request }) => request),
          Math.ceil(Math.min(patience, lockTimeout))
        )
      )

    const answered = (batch: ReadonlyArray<Waiting>) => (exits: ReadonlyArray<Exit.Exit<Out, E | EventStoreError>>) =>
      Effect.sync(() => batch.forEach((entry, i) => settle(entry, exits[i]!)))

    const failed = (batch: ReadonlyArray<Waiting>, cause: Cause.Cause<E | EventStoreError>) =>
      Effect.sync(() => batch.forEach((entry) => settle(entry, Exit.failCause(cause))))

    /** Whether a request is still wanted and has time left; if it is not, it ends. */
    const inTime = (entry: Waiting): boolean => {
      if (!entry.isOver && Date.now() < entry.deadline) return true
      const { request } = entry
      settle(entry, Exit.fail(late(options.operation, options.lockTimeout, options.describe(request))))
      return false
    }

    /** `again` says that the requests were in a call before, which has done nothing. */
    const shared = (entries: ReadonlyArray<Waiting>, again: boolean): Effect.Effect<void> =>
      Effect.suspend(() => {
        const batch = again ? entries.filter(inTime) : entries
        if (batch.length === 0) return Effect.void
        return Effect.matchCauseEffect(attempt(batch, briefly), {
          onSuccess: answered(batch),
          onFailure: (cause): Effect.Effect<void> => {
            const isBlocked = options.isBlocked(cause)
            if (batch.length > 1 && (isBlocked || options.isExpired(cause))) {
              // A call that takes long is not tried on more connections than before: the server may have too much to do.
              const concurrency = isBlocked ? options.maxInFlight : 1
              return Effect.forEach(batch, (entry) => shared([entry], true), { concurrency, discard: true })
            }
            if (isBlocked) {
              return Effect.sync(() => {
                const [entry] = batch
                // Its caller may have gone during the call.
                if (entry!.isOver) return free(entry!)
                entry!.call!.wanted--
                begin(batch, alone(entry!), () => {})
              })
            }
            if (batch.length === 1 || !options.isUndone(cause)) return failed(batch, cause)
            const half = batch.length >> 1
            return Effect.andThen(shared(batch.slice(0, half), true), shared(batch.slice(half), true))
          }
        })
      })

    // Requests that are blocked take turns, so any number of them uses few connections and each is tried again and again.
    // A call that gives up earlier than it was told has a lower limit of its connection, which counts.
    const alone = (entry: Waiting): Effect.Effect<void> =>
      Effect.suspend(() => {
        if (!inTime(entry)) return Effect.succeed(true)
        const patience = Math.max(1, Math.min(entry.deadline - Date.now(), turn))
        const started = Date.now()
        return Effect.matchCauseEffect(attempt([entry], patience), {
          onSuccess: (exits) => Effect.as(answered([entry])(exits), true),
          onFailure: (cause) => {
            const now = Date.now()
            if (options.isBlocked(cause) && now < entry.deadline && now - started >= patience / 2) {
              return Effect.succeed(false)
            }
            return Effect.as(failed([entry], cause), true)
          }
        })
      }).pipe(
        lanes.withPermits(1),
        Effect.flatMap((isOver) => (isOver ? Effect.void : alone(entry)))
      )

    // The entries of `waiting` are in the order of their deadlines, so one timer is enough: that of the first.
    const watch = (): void => {
      timer = undefined
      const now = Date.now()
      for (const entry of waiting) {
        if (entry.deadline > now) {
          timer = setTimeout(watch, entry.deadline - now)
          return
        }
        waiting.delete(entry)
        ready.delete(entry)
        settle(entry, Exit.fail(late(options.operation, options.lockTimeout, options.describe(entry.request))))
      }
    }

    return (request) =>
      Effect.callback((resume) => {
        if (!open) return resume(Exit.fail(closed(options.operation)))
        const caller = Fiber.getCurrent()?.cache
        // A caller that has turned tracing off may still stand in a span.
        const span = caller?.tracerEnabled === true ? caller.span : undefined
        const entry: Waiting = {
          request,
          touches: options.touches(request),
          span,
          resume,
          deadline: Date.now() + lockTimeout,
          call: undefined,
          isOver: false
        }
        waiting.add(entry)
        if (locks.enter(entry, entry.touches)) ready.add(entry)
        timer ??= setTimeout(watch, lockTimeout)
        schedule()
        return Effect.sync(() => {
          if (entry.isOver) return
          entry.isOver = true
          if (waiting.delete(entry)) {
            ready.delete(entry)
            return free(entry)
          }
          const { call } = entry
          if (call !== undefined && --call.wanted === 0) call.fiber?.interruptUnsafe()
        })
      })
  })

/** From so many requests on, a call of its own costs less than it saves. */
const worthACall = 32
/** How long a shared call waits for a lock, in milliseconds: longer than most transactions, and short for those it carries. */
const briefly = 100
/** How long a blocked request waits before another blocked request has its turn, in milliseconds. */
const turn = 500
/** After how many milliseconds a call counts as slow. */
const slowAfter = 500

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

const late = (operation: EventStoreError["operation"], limit: Duration.Duration, wanted: string) =>
  new EventStoreError({
    operation,
    reason: new Reason.Timeout({
      detail: `it did not get its turn within ${Duration.format(limit)}, and has done nothing: ${wanted}`
    })
  })
