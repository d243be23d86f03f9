/** Drives what otherwise works in the background: reactors, processes, deadlines and schedules. */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import type { Failure as NotKept } from "../../projections/worker/options.ts"
import type { DefinitionDiffers } from "../../views/errors.ts"
import type { KeysDiffer } from "../errors.ts"
import type { Failure as Stopped } from "./options.ts"

/** Why a work could not do what there was to do. */
export type Failure = Stopped | NotKept | DefinitionDiffers | KeysDiffer

/** What works in the background, in steps. */
export interface Work {
  /** The name of the reactor, the process or the schedule. */
  readonly name: string
  /** Does all that there is to do now, and ends. */
  readonly once: Effect.Effect<void, Failure>
  /**
   * The time, in milliseconds, at which there is something to do although nothing has happened; undefined if there is no
   * such time.
   */
  readonly next: Effect.Effect<number | undefined>
}

/** Takes the place of the background. */
export interface Driver {
  /** Takes a work on for as long as the scope lives. */
  readonly drive: (work: Work) => Effect.Effect<void, never, Scope.Scope>
  /** The longest pause before a handler that has failed is run again. */
  readonly longestPause: Duration.Duration
}

/**
 * What drives the reactors, processes, deadlines and schedules of the layers that are built in this context. Undefined, the
 * default, for the background.
 *
 * @example
 * ```ts
 * import { Driving } from "@hexfold/core/adapter"
 * import { Context, Duration, Effect } from "effect"
 *
 * const works: Array<Driving.Work> = []
 * const collecting = Context.make(Driving.Current, {
 *   drive: (work) => Effect.sync(() => void works.push(work)),
 *   longestPause: Duration.seconds(1)
 * })
 * ```
 */
export const Current = Context.Reference<Driver | undefined>("@hexfold/core/Reactor/Driver", {
  defaultValue: () => undefined
})

/** A work, and how it works in the background for ever. */
interface Background<R> {
  readonly name: string
  readonly run: Effect.Effect<never, unknown, R>
  readonly once: Effect.Effect<unknown, Failure, R>
  readonly next?: Effect.Effect<number | undefined, never, R>
}

/** Works for as long as the scope lives: in the background, or as it is driven. */
export const working = <R>({ name, next, once, run }: Background<R>): Effect.Effect<void, never, R | Scope.Scope> =>
  Effect.contextWith((context: Context.Context<R | Scope.Scope>) => {
    const driver = Context.get(context, Current)
    if (driver === undefined) return Effect.asVoid(Effect.forkScoped(run))
    return driver.drive({
      name,
      once: Effect.asVoid(Effect.provideContext(once, context)),
      next: next === undefined ? Effect.undefined : Effect.provideContext(next, context)
    })
  })

/** How long a work that is driven waits before it claims again what another owner still holds: short sleeps end soon. */
export const soon = Duration.millis(100)

/** A schedule of repetitions whose pauses are as long as the driver wants them at most. */
export const paced =
  (context: Context.Context<never>) =>
  <Output, Input>(schedule: Schedule.Schedule<Output, Input>): Schedule.Schedule<Output, Input> => {
    const driver = Context.get(context, Current)
    if (driver === undefined) return schedule
    return Schedule.modifyDelay(schedule, ({ duration }) =>
      Effect.succeed(Duration.min(Duration.fromInputUnsafe(duration), driver.longestPause))
    )
  }
