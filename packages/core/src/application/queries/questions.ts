import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { hearing, mark } from "../../internal/heard.ts"
import { reportedTogether, withMessage } from "../../internal/reported.ts"
import { isRetryable } from "../../internal/retryable.ts"
import { sameStore } from "../../internal/sameStore.ts"
import { type EventStoreError, ViewStoreError } from "../../ports/errors.ts"
import type { EventStore, Horizon } from "../../ports/EventStore.ts"
import { servingOf } from "../../ports/generation.ts"
import { Timeout } from "../../ports/Reason.ts"
import type { ViewStore } from "../../ports/ViewStore.ts"
import { ownPositions } from "../events/ownPositions.ts"
import { hasReached, look, type ViewName } from "./waitFor.ts"
import { kept, pauseAfter, reportRetryable } from "./whileAway.ts"

/** The stores that a question is put to. */
export interface Stores {
  readonly events: EventStore["Service"]
  readonly records: ViewStore["Service"]
}

/** An answer, and a text that is the same for equal answers. */
interface Answered<A> {
  readonly answer: A
  readonly text: string
}

/** What is asked of a view, again and again. Equal questions have the same name. */
export interface Question<A, E> {
  readonly view: ViewName
  readonly name: string
  readonly ask: Effect.Effect<Answered<A>, E>
  /** It is not asked again for this many milliseconds, unless someone waits for a first answer. */
  readonly pace: number
}

type Failure<E> = E | EventStoreError | ViewStoreError

/** Gives the next answer, which differs from the one before. It waits until there is one. */
export type Next<A, E> = Effect.Effect<A, Failure<E>>

interface Member {
  /** The first round that may answer the member. A round that began before the member came may know less than the member. */
  readonly from: number
  /** The text of the last answer that the member has taken. */
  taken: string | undefined
  /** Wakes the member. It is there while the member waits. */
  wake: (() => void) | undefined
}

/**
 * Joins those who ask the same question of the same stores. One loop asks for all of them, and only when the records of
 * the view have changed. The membership lasts as long as the scope.
 *
 * Inside a transaction of the caller nothing is shared: there the stores answer what others may not see.
 */
export const join = <A, E>(stores: Stores, question: Question<A, E>): Effect.Effect<Next<A, E>, never, Scope.Scope> =>
  Effect.contextWith((context: Context.Context<Scope.Scope>) => {
    const enter = Effect.sync(() => {
      const found = shared(stores, question, context)
      return { found, member: found.enter() }
    })
    return Effect.map(
      // Nothing comes between the look for the loop and the entry. So nobody enters a loop that its last member has left.
      Effect.acquireRelease(enter, ({ found, member }) => found.leave(member)),
      ({ found, member }) => found.next(member)
    )
  })

const shared = <A, E>(stores: Stores, question: Question<A, E>, context: Context.Context<never>): Asking<A, E> => {
  const { events, records } = stores
  if (events.inTransaction?.(context) === true) return asking(stores, question, context)
  const name = `${sameStore(events.horizons, records.query, records.load, records.status)} ${question.name}`
  // Questions of one name have answers of one type.
  const found = askings.get(name) as Asking<A, E> | undefined
  if (found !== undefined) return found
  const made = asking(stores, question, context, () => {
    if (askings.get(name) === made) askings.delete(name)
  })
  askings.set(name, made)
  return made
}

const askings = new Map<string, unknown>()

interface Asking<A, E> {
  readonly enter: () => Member
  readonly leave: (member: Member) => Effect.Effect<void>
  readonly next: (member: Member) => Next<A, E>
}

/**
 * The loop that asks one question for its members.
 *
 * Why each member gets every answer that lasts, and none that is older than its coming. (1) A round reads the status
 * before it asks, so an answer is never older than the `changes` that it is remembered with; a later change is another
 * number, and another round finds it. (2) A member is served by rounds that began after it came. (3) A round ends, and then
 * wakes the members that wait. A member that begins to wait later finds the answer itself. The next round begins when all
 * are woken.
 */
const asking = <A, E>(
  { events, records }: Stores,
  { ask, pace, view }: Question<A, E>,
  context: Context.Context<never>,
  forget: () => void = () => {}
): Asking<A, E> => {
  const members = new Set<Member>()
  const signal = Effect.runSync(Queue.sliding<void>(1))
  const signalled = () => void Queue.offerUnsafe(signal, undefined)
  let loop: Fiber.Fiber<never, Failure<E>> | undefined
  let horizon: Horizon | undefined
  let begun = 0
  let ended = 0
  // A change may have been passed over, because nobody waited for an answer.
  let isPassedOver = false
  let asked: string | undefined
  let askedAt = -Infinity
  let latest: Answered<A> | undefined
  let failed: Cause.Cause<Failure<E>> | undefined
  const heard = hearing()

  /** Whether a member waits for a later round than this one; by default, whether any member waits. */
  const isWaiting = (after = 0) => {
    for (const { from, wake } of members) if (wake !== undefined && from > after) return true
    return false
  }

  /** Waits until the question may be asked again. The next round finds what changes meanwhile. */
  const paced = Effect.gen(function* () {
    for (;;) {
      const left = askedAt + pace - (yield* Clock.currentTimeMillis)
      if (left <= 0 || isWaiting(ended)) return
      yield* Effect.timeoutOption(Queue.take(signal), left)
    }
  })

  /** Looks, and asks if the records have changed. Gives whether the view has reached the horizon. */
  const round = Effect.fnUntraced(function* ({ history, position }: Horizon) {
    isPassedOver = false
    const number = ++begun
    // Taken before the look: what a projection commits meanwhile may be missing in the status, and must not count as seen.
    const own = ownPositions(records).atPresent()
    const seen = yield* look(records)
    if (Option.isNone(seen)) return yield* silent
    const serving = servingOf(view, seen.value)
    const at = `${history} ${serving?.version} ${serving?.build} ${serving?.inline} ${serving?.changes}`
    if (at !== asked) {
      // What the first answer shows was there before somebody asked.
      const since = latest === undefined ? undefined : heard.first()
      askedAt = yield* Clock.currentTimeMillis
      latest = yield* ask
      asked = at
      mark(latest.answer, since)
    }
    yield* report.succeeded
    ended = number
    yield* wakeAll
    const reached = servingOf(view, own(seen.value, history))
    heard.reached(history, (each) => hasReached(reached, each))
    return hasReached(reached, position)
  })

  const canTake = ({ from, taken }: Member): boolean => latest !== undefined && ended >= from && taken !== latest.text

  // In groups: other work of this process goes on between them, and need not wait for a thousand members.
  const wakeAll = Effect.gen(function* () {
    let woken = 0
    for (const member of members) {
      if (member.wake === undefined || !canTake(member)) continue
      member.wake()
      if (++woken % wokenTogether === 0) yield* Effect.yieldNow
    }
  })

  const { keep, succeeded } = kept(
    reportedTogether(events, {
      failing: "live queries try again to follow the log, and hear of no change meanwhile",
      again: "live queries follow the log again",
      write: withMessage
    })
  )
  const watching = keep(
    Stream.runForEach(events.horizons, (next) =>
      Effect.flatMap(succeeded, () =>
        Effect.map(Clock.currentTimeMillis, (now) => {
          heard.hear(next, now)
          horizon = next
          signalled()
        })
      )
    )
  )

  const report = reportedTogether(records, {
    failing: `a live query of ${view.name} tries again, and shows nothing new meanwhile`,
    again: `a live query of ${view.name} goes on`,
    write: withMessage
  })

  const rounds = Effect.gen(function* () {
    let pause: number = shortest
    let failures = 0
    let isDone = true
    let before: Horizon | undefined
    for (;;) {
      const waiting = Queue.take(signal)
      if (failures === 0) yield* isDone ? waiting : Effect.timeoutOption(waiting, pause)
      if (horizon === undefined) continue
      if (!isWaiting()) {
        isPassedOver = true
        isDone = true
        failures = 0
        continue
      }
      pause = horizon === before ? Math.min(pause * 1.5, longest) : shortest
      before = horizon
      if (pace > 0) yield* paced
      const done = yield* Effect.exit(round(horizon))
      if (Exit.isSuccess(done)) {
        isDone = done.value
        failures = 0
      } else if (done.cause.reasons.every((reason) => reason._tag === "Fail" && isRetryable(reason.error))) {
        failures++
        yield* reportRetryable(report, Cause.squash(done.cause))
        yield* Effect.sleep(pauseAfter(failures))
      } else {
        return yield* Effect.failCause(done.cause)
      }
    }
  })

  const fail = (cause: Cause.Cause<Failure<E>>) => {
    failed = cause
    forget()
    for (const { wake } of members) wake?.()
  }

  const running = Effect.raceFirst(watching, rounds).pipe(
    Effect.onExit((exit) => Effect.sync(() => (Exit.isFailure(exit) ? fail(exit.cause) : undefined))),
    // Nobody's request: it makes no spans.
    Effect.withTracerEnabled(false)
  )

  const next = (member: Member): Next<A, E> =>
    Effect.suspend(() => {
      if (canTake(member) && !isPassedOver) {
        member.taken = latest!.text
        return Effect.succeed(latest!.answer)
      }
      if (failed !== undefined) return Effect.failCause(failed)
      const woken = Effect.callback<void>((resume) => {
        member.wake = () => {
          member.wake = undefined
          resume(Effect.void)
        }
        if (isPassedOver || ended < member.from) signalled()
        return Effect.sync(() => (member.wake = undefined))
      })
      return Effect.andThen(woken, next(member))
    })

  return {
    enter: () => {
      const member: Member = { from: begun + 1, taken: undefined, wake: undefined }
      members.add(member)
      loop ??= Effect.runForkWith(context)(running)
      return member
    },
    leave: (member) =>
      Effect.suspend(() => {
        members.delete(member)
        if (members.size > 0 || loop === undefined) return Effect.void
        forget()
        return Fiber.interrupt(loop)
      }),
    next
  }
}

/** The view store has not said in time how far its views are. */
const silent = Effect.suspend(() =>
  Effect.fail(new ViewStoreError({ operation: "status", reason: new Timeout({ detail: "no answer in time" }) }))
)

/** The pauses between two looks at a view that has not reached the horizon, in milliseconds. */
const shortest = 5
const longest = 1_000

/** How many members are woken between two moments at which other work may go on. */
const wokenTogether = 32
