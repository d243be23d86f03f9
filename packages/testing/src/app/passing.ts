import { Clock, Context, Duration, Effect, Layer, Logger, Scheduler, type Scope } from "effect"
import { TestClock } from "effect/testing"

/** A clock on which short sleeps end by themselves. */
export interface Passing {
  readonly clock: TestClock.TestClock
  /** What a program needs that lives by the clock. */
  readonly context: Context.Context<never>
  /** Returns when no fiber has anything else to do. The clock does not go on before. */
  readonly idle: Effect.Effect<void>
  /** A sleep that does not make the clock go on, however short it is. */
  readonly still: (duration: Duration.Duration) => Effect.Effect<void>
}

/**
 * A test clock on which short sleeps end by themselves. Once every fiber waits, the
 * clock goes on to the end of the next sleep that is at most `longest`, and so from
 * sleep to sleep. All other sleeps that end by then end as well, in their order.
 *
 * A fiber that waits for something outside, such as a timer of the machine, is not known
 * to be at work.
 */
export const passing = (longest: Duration.Duration): Effect.Effect<Passing, never, Scope.Scope> =>
  Effect.gen(function* () {
    const standing = yield* Layer.build(TestClock.layer())
    const clock = yield* Effect.provideContext(TestClock.testClockWith(Effect.succeed), standing)
    const scheduler = Context.get(standing, Scheduler.Scheduler)
    const run = Effect.runForkWith(standing)
    // The warning that nobody adjusts the clock is for the developer, not for the logs of the program.
    const loggers = yield* Logger.CurrentLoggers
    const ends: Array<number> = []
    const idlers = new Set<() => void>()
    const turns = new Scheduler.MixedScheduler().makeDispatcher()
    let tasks = 0
    let isAsked = false
    let isMoving = false
    yield* Effect.addFinalizer(() => Effect.sync(() => ends.splice(0)))

    const ask = (): void => {
      if (isAsked || isMoving || ends.length + idlers.size === 0) return
      isAsked = true
      turns.scheduleTask(turn, 0)
    }

    const turn = (): void => {
      isAsked = false
      // A fiber that goes on has a task.
      if (tasks > 0 || ends.length + idlers.size === 0) return ask()
      if (idlers.size > 0) {
        const all = [...idlers]
        idlers.clear()
        for (const resume of all) resume()
        return ask()
      }
      isMoving = true
      run(clock.setTime(Math.max(clock.currentTimeMillisUnsafe(), Math.min(...ends)))).addObserver(() => {
        isMoving = false
        ask()
      })
    }

    const sleep = (duration: Duration.Duration): Effect.Effect<void> => {
      const sleeping = Effect.provideService(clock.sleep(duration), Logger.CurrentLoggers, loggers)
      if (Duration.isGreaterThan(duration, longest)) return sleeping
      return Effect.suspend(() => {
        const end = clock.currentTimeMillisUnsafe() + Duration.toMillis(duration)
        ends.push(end)
        ask()
        const forget = Effect.sync(() => {
          const index = ends.indexOf(end)
          if (index >= 0) ends.splice(index, 1)
        })
        return Effect.ensuring(sleeping, forget)
      })
    }

    const counting: Scheduler.Scheduler = {
      executionMode: scheduler.executionMode,
      shouldYield: (fiber) => scheduler.shouldYield(fiber),
      makeDispatcher: () => {
        const dispatcher = scheduler.makeDispatcher()
        return {
          flush: () => dispatcher.flush(),
          scheduleTask: (task, priority) => {
            tasks++
            dispatcher.scheduleTask(() => {
              try {
                task()
              } finally {
                tasks--
              }
            }, priority)
          }
        }
      }
    }

    const idle = Effect.callback<void>((resume) => {
      const idler = () => resume(Effect.void)
      idlers.add(idler)
      ask()
      return Effect.sync(() => void idlers.delete(idler))
    })

    const still = (duration: Duration.Duration) =>
      Effect.provideService(clock.sleep(duration), Logger.CurrentLoggers, new Set<Logger.Logger<unknown, unknown>>())

    const passingClock: TestClock.TestClock = { ...clock, sleep }
    const context = Context.make(Clock.Clock, passingClock).pipe(Context.add(Scheduler.Scheduler, counting))
    return { clock, context, idle, still }
  })
