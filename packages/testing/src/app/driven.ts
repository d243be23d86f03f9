/** Drives what works in the background of a program: its views, and its reactions. */
import { type EventStore, Projection, type View } from "@hexfold/core"
import type { Driving } from "@hexfold/core/adapter"
import { Duration, Effect, Exit, Latch, Option, type Scope, Semaphore, Stream } from "effect"
import type { Passing } from "./passing.ts"

/** A work. Nobody else does it while it is done. */
interface Driven extends Driving.Work {
  readonly alone: Semaphore.Semaphore
  /** It has failed in the background, and is not done there any more. */
  isStopped: boolean
}

/** The works of a program. */
export interface Works {
  /** Takes a work on: it is done at once, and then whenever something has happened, or its time has come. */
  readonly drive: (work: Driving.Work) => Effect.Effect<void, never, Scope.Scope>
  /** Does all works until nothing more follows at this time. */
  readonly settled: Effect.Effect<void, Driving.Failure>
  /** Moves the clock to a time, and stops at each time at which there is something to do. */
  readonly advanceTo: (time: number) => Effect.Effect<void, Driving.Failure>
  /** Moves the clock to the next time at which there is something to do. Gives that time. */
  readonly advanceToNext: Effect.Effect<Option.Option<number>, Driving.Failure>
}

/**
 * Works that are driven over a log.
 *
 * Why nothing is under way when `settled` returns. (1) Each work has handled every event up to the end of the log that it
 * has found when it began. (2) They are done again until the log has the same end before and after all of them, and no
 * time has come. (3) Each is done by one fiber at a time, so the background does nothing meanwhile, and afterwards only
 * when the log grows.
 */
export const works = (
  events: EventStore.EventStore["Service"],
  { clock, idle, still }: Passing,
  longestChain: number
): Works => {
  const all = new Set<Driven>()
  const open = Latch.makeUnsafe(true)
  // While an append is under way, the end of the log is not known.
  const position = Stream.runHead(events.horizons).pipe(
    Effect.map(Option.getOrElse(() => ({ position: 0, drawn: 0 }))),
    Effect.repeat({ until: ({ drawn, position }) => position >= drawn }),
    Effect.map(({ position }) => position),
    Effect.orDie
  )

  const nextOf = (some: Iterable<Driven>) =>
    Effect.map(
      Effect.forEach(some, ({ next }) => next),
      (times) => times.reduce<number>((first, time) => Math.min(first, time ?? first), Number.POSITIVE_INFINITY)
    )

  // Reactions that never end would keep a fiber busy for ever. So no work begins in the background meanwhile.
  const quiet = Effect.suspend(() => {
    open.closeUnsafe()
    return Effect.ensuring(
      idle,
      Effect.sync(() => open.openUnsafe())
    )
  })

  const settled = Effect.gen(function* () {
    const failures = new Map<Driven, Exit.Exit<void, Driving.Failure>>()
    yield* quiet
    for (let round = 1; ; round++) {
      const before = yield* position
      // A work that fails does not keep the others from going on.
      const left = [...all].filter((work) => !failures.has(work))
      yield* Effect.forEach(
        left,
        (work) =>
          Effect.map(Effect.exit(work.alone.withPermit(work.once)), (exit) => {
            if (Exit.isFailure(exit)) failures.set(work, exit)
          }),
        { concurrency: "unbounded", discard: true }
      )
      yield* quiet
      const after = yield* position
      const next = yield* nextOf(left.filter((work) => !failures.has(work)))
      if (after === before && next > clock.currentTimeMillisUnsafe()) break
      if (round > longestChain) yield* endless(events, after)
    }
    yield* Exit.asVoidAll(failures.values())
  })

  const advanceTo = (time: number) =>
    Effect.gen(function* () {
      yield* settled
      for (;;) {
        const next = yield* nextOf(all)
        if (next > time) break
        yield* clock.setTime(next)
        yield* settled
      }
      if (time > clock.currentTimeMillisUnsafe()) yield* clock.setTime(time)
      yield* settled
    })

  const advanceToNext = Effect.gen(function* () {
    yield* settled
    const next = yield* nextOf(all)
    if (next === Number.POSITIVE_INFINITY) return Option.none()
    yield* clock.setTime(next)
    yield* settled
    return Option.some(next)
  })

  /** Does a work whenever something has happened, or its time has come. */
  const follow = (work: Driven) =>
    Effect.gen(function* () {
      while (!work.isStopped) {
        yield* open.await
        const seen = yield* position
        yield* inBackground(work)
        const next = yield* work.next
        const happened = Stream.runHead(Stream.filter(events.horizons, ({ position }) => position !== seen))
        const now = clock.currentTimeMillisUnsafe()
        // Random pauses leave parts of a millisecond, for which nobody sleeps.
        const come = next === undefined ? Effect.never : still(Duration.millis(Math.max(0, Math.ceil(next - now))))
        yield* Effect.raceFirst(Effect.orDie(happened), come)
      }
    })

  const inBackground = (work: Driven) =>
    work.alone.withPermit(work.once).pipe(
      Effect.catchCause((cause) => {
        work.isStopped = true
        return Effect.logError(`${work.name} has stopped`, cause)
      }),
      Effect.asVoid
    )

  const drive = (given: Driving.Work) =>
    Effect.gen(function* () {
      const work: Driven = { ...given, alone: Semaphore.makeUnsafe(1), isStopped: false }
      yield* Effect.acquireRelease(
        Effect.sync(() => all.add(work)),
        () => Effect.sync(() => all.delete(work))
      )
      // A view answers, and a reactor knows where it begins.
      yield* inBackground(work)
      yield* Effect.forkScoped(follow(work))
    })

  return { drive, settled, advanceTo, advanceToNext }
}

/** The work that keeps a view. */
export const keeping = (view: View.Any): Effect.Effect<Driving.Work, never, Projection.Stores> =>
  Effect.map(Effect.context<Projection.Stores>(), (context) => ({
    name: view.name,
    once: Effect.asVoid(Effect.provideContext(Projection.catchUp(view, { pause: "100 millis" }), context)),
    next: Effect.undefined
  }))

const endless = (events: EventStore.EventStore["Service"], position: number) =>
  Effect.flatMap(Effect.orDie(Stream.runCollect(events.readAll({ after: position - 4 }))), (last) => {
    const named = last.map(({ streamId, type }) => `${type} of ${streamId}`).join(", ")
    return Effect.die(
      new Error(
        `TestApp: the reactions do not come to an end. New events follow from each event, the last ones: ${named}`
      )
    )
  })
