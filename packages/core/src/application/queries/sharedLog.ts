import * as Clock from "effect/Clock"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { memoized } from "../../internal/memoized.ts"
import { reportedTogether, withMessage } from "../../internal/reported.ts"
import { sameStore } from "../../internal/sameStore.ts"
import { together } from "../../internal/together.ts"
import type { EventStoreError } from "../../ports/errors.ts"
import type { EventStore, Horizon, Position } from "../../ports/EventStore.ts"
import * as EventIndex from "./eventIndex.ts"
import * as RecentSteps from "./recentSteps.ts"
import { type Filters, type Step, stretches } from "./stretches.ts"
import { kept } from "./whileAway.ts"

/** How a subscription takes part in the reading of the log. */
export interface Subscriber {
  readonly filters: Filters
  /** Whether it also gets steps without an event, which say how far the log has been read. */
  readonly wantsProgress: boolean
}

/** A subscription's part in the reading of the log. */
export interface Membership {
  /**
   * Waits until the reading has begun for it, and gives after which position: the subscription has to read the events up
   * to there alone. Undefined if the reading has ended.
   */
  readonly begun: Effect.Effect<Position | undefined>
  /** Says that the subscription has read all events up to where its part in the reading has begun. */
  readonly level: () => void
  /**
   * The next steps, at least one; it waits for them. Undefined if the subscription has fallen out of the reading: then it
   * has got every event up to `place`.
   */
  readonly next: Effect.Effect<ReadonlyArray<Step> | undefined>
  /** Up to where it has got every event; undefined before it is level. */
  readonly place: () => Position | undefined
  /** Whether the reading has ended by a failure that waiting does not cure. The subscription meets it when it reads alone. */
  readonly hasFailed: () => boolean
  readonly leave: Effect.Effect<void>
}

interface Member extends Subscriber {
  state: "waiting" | "in" | "out"
  isLevel: boolean
  place: Position
  /** The numbers of the steps to deliver, ascending. */
  readonly box: Array<number>
  wake: (() => void) | undefined
}

/** Joins the reading of the log that the subscriptions of a process share. The first subscription begins it. */
export const join = (
  store: EventStore["Service"],
  subscriber: Subscriber,
  context: Context.Context<never>
): Membership => {
  const name = sameStore(store.readAll, store.horizons)
  const found = readings.get(name)
  if (found !== undefined) return found.join(subscriber)
  const made = reading(store, context, () => {
    if (readings.get(name) === made) readings.delete(name)
  })
  readings.set(name, made)
  return made.join(subscriber)
}

const readings = new Map<string, Reading>()

/** The present horizon, or a later one. Subscriptions that begin together ask for it once. */
export const present = ({ horizons }: EventStore["Service"]): Stream.Stream<Horizon, EventStoreError> =>
  Stream.unwrap(
    Effect.map(
      memoized(presents, horizons, () => together(Stream.runHead(horizons))),
      Option.match({ onNone: () => Stream.empty, onSome: Stream.succeed })
    )
  )

const presents = new WeakMap<object, unknown>()

interface Reading {
  readonly join: (subscriber: Subscriber) => Membership
}

/**
 * One loop that reads the log for all its members. It waits for none of them.
 *
 * Why each member gets each of its events once and in order. (1) A member comes in between two reads, at `end`. What is
 * read from there on is read for its filters too, and an event is put into the boxes in the step that moves `end`. (2) A
 * subscription reads the events up to there alone, and leaves out what it has by then. (3) A member whose first step is
 * not kept any more falls out as a whole, and its place is that of the last event that it took. So it misses nothing when
 * it reads on alone.
 */
const reading = (store: EventStore["Service"], context: Context.Context<never>, forget: () => void): Reading => {
  const members = new Set<Member>()
  const waiting = new Set<Member>()
  const progressing = new Set<Member>()
  const index = EventIndex.make<Member>()
  const recent = RecentSteps.make()
  // All events up to here are in the boxes.
  let end: Position | undefined
  let isReading = false
  let hasFailed = false
  let loop: Fiber.Fiber<never, EventStoreError> | undefined

  const wake = (member: Member): void => member.wake?.()

  const comeIn = (member: Member): void => {
    member.state = "in"
    waiting.delete(member)
    if (member.wantsProgress) progressing.add(member)
    member.place = end!
    index.add(member, member.filters)
    wake(member)
  }

  const passed = (member: Member): void => {
    if (member.box.length === 0) member.place = end!
  }

  const fall = (member: Member): void => {
    if (member.state === "in") {
      passed(member)
      index.remove(member, member.filters)
    }
    member.state = "out"
    member.box.length = 0
    for (const set of [members, waiting, progressing]) set.delete(member)
    wake(member)
  }

  const fallAll = (): void => [...members].forEach((member) => member.state === "in" && fall(member))

  const take = (step: Step): void => {
    end = step.resume
    const { event } = step
    if (event === undefined) return
    let number: number | undefined
    index.forEach(event, (member) => {
      number ??= recent.add(step)
      member.box.push(number)
      if (recent.has(member.box[0]!)) wake(member)
      else fall(member)
    })
  }

  const { keep, succeeded } = kept(
    reportedTogether(store, {
      failing: "the subscriptions of this process try again to read the log, and deliver nothing meanwhile",
      again: "the subscriptions of this process read the log again",
      write: (text, cause) =>
        withMessage(end === undefined ? text : `${text}; they have come to position ${end.position}`, cause)
    })
  )

  const readOn = stretches(store, () => end!.position, succeeded)

  const advance = (horizon: Horizon) =>
    Effect.gen(function* () {
      if (end?.history !== horizon.history) {
        // The members ask the store whether it still has their places.
        if (end !== undefined) fallAll()
        end = { history: horizon.history, position: horizon.position }
      } else if (horizon.position > end.position) {
        const filters = index.filters()
        if (filters === undefined) end = { history: horizon.history, position: horizon.position }
        else {
          isReading = true
          yield* Effect.ensuring(
            Stream.runForEachArray(readOn(filters, horizon), (steps) => Effect.sync(() => steps.forEach(take))),
            Effect.sync(() => (isReading = false))
          )
        }
      }
      waiting.forEach(comeIn)
      if (progressing.size > 0) yield* tellProgress
    })

  const tellProgress = seldom(() => progressing.forEach(wake))

  const running = keep(
    Stream.runForEach(store.horizons, (horizon) => Effect.andThen(advance(horizon), succeeded))
  ).pipe(
    Effect.onExit((exit) => Effect.sync(() => (Exit.isFailure(exit) ? stop() : undefined))),
    Effect.withTracerEnabled(false)
  )

  const stop = (): void => {
    hasFailed = true
    forget()
    for (const member of [...members]) fall(member)
  }

  const woken = (member: Member) =>
    Effect.callback<void>((resume) => {
      member.wake = () => {
        member.wake = undefined
        resume(Effect.void)
      }
      return Effect.sync(() => (member.wake = undefined))
    })

  const stepsOf = (member: Member): ReadonlyArray<Step> | undefined => {
    const { box, place, wantsProgress } = member
    if (box.length > 0 && !recent.has(box[0]!)) fall(member)
    if (member.state === "out") return undefined
    const steps = box.splice(0, most).map(recent.get)
    if (steps.length > 0) member.place = steps.at(-1)!.resume
    passed(member)
    if (wantsProgress && box.length === 0 && member.place.position > (steps.at(-1)?.resume ?? place).position) {
      steps.push({ event: undefined, resume: member.place })
    }
    return steps
  }

  const next = (member: Member): Membership["next"] =>
    Effect.suspend(() => {
      const steps = stepsOf(member)
      if (steps === undefined || steps.length > 0) return Effect.succeed(steps)
      return Effect.andThen(woken(member), next(member))
    })

  const begun = (member: Member): Membership["begun"] =>
    Effect.suspend(() => {
      if (member.state !== "waiting") return Effect.succeed(member.state === "in" ? member.place : undefined)
      return Effect.andThen(woken(member), begun(member))
    })

  return {
    join: (subscriber) => {
      const member: Member = {
        ...subscriber,
        state: "waiting",
        isLevel: false,
        place: { history: 0, position: 0 },
        box: [],
        wake: undefined
      }
      members.add(member)
      waiting.add(member)
      // A read that is under way does not read for its filters.
      if (end !== undefined && !isReading) comeIn(member)
      loop ??= Effect.runForkWith(context)(running)
      return {
        begun: begun(member),
        level: () => (member.isLevel = true),
        next: next(member),
        place: () => (member.isLevel ? member.place : undefined),
        hasFailed: () => hasFailed,
        leave: Effect.suspend(() => {
          if (member.state !== "out") fall(member)
          if (members.size > 0 || loop === undefined) return Effect.void
          forget()
          return Fiber.interrupt(loop)
        })
      }
    }
  }
}

/** Calls a function now if the last call was long ago, otherwise later. */
const seldom = (call: () => void): Effect.Effect<void> => {
  let calledAt = -Infinity
  let isDue = false
  const now = Effect.map(Clock.currentTimeMillis, (millis) => {
    calledAt = millis
    isDue = false
    call()
  })
  return Effect.flatMap(Clock.currentTimeMillis, (millis) => {
    const rest = calledAt + pause - millis
    if (rest <= 0) return now
    if (isDue) return Effect.void
    isDue = true
    return Effect.asVoid(Effect.forkChild(Effect.andThen(Effect.sleep(rest), now)))
  })
}

/** The least time between two steps without an event, in milliseconds. */
const pause = 500

/** The most steps that are delivered together. */
const most = 512
