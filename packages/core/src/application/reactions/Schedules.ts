/** Commands at regular times: one command for each tick, however many processes run. */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Cron from "effect/Cron"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Schedule, Schedules } from "../../domain/process/schedules.ts"
import type { Sent } from "../../domain/process/steps.ts"
import { idProblem } from "../../domain/texts.ts"
import { reported, withMessage } from "../../internal/reported.ts"
import type { EventStore } from "../../ports/EventStore.ts"
import * as Executor from "../commands/Executor.ts"
import * as Metadata from "../events/Metadata.ts"
import * as Projection from "../projections/Projection.ts"
import { codecOf, executeOrWarn } from "./processes/targets.ts"
import type { Stores } from "./consuming/worker.ts"
import { soon, working } from "./consuming/driving.ts"

/** What happens to ticks at which no process has run. */
export type Missed =
  /** They are left out. */
  | "skip"
  /** The last of them is made up for. */
  | "once"
  /** Each of them is made up for, in their order. */
  | "all"

/** How a schedule works. */
export interface Options {
  /** The time zone of the expression, such as `Europe/Amsterdam`. UTC by default. */
  readonly zone?: string
  /** What happens to ticks at which no process has run. `once` by default. */
  readonly missed?: Missed
  /** With `skip`: for how long a tick that is late is made up for. 1 minute by default. */
  readonly grace?: Duration.Input
}

/** The time for which a command is executed. */
export interface Tick {
  readonly schedule: string
  readonly at: DateTime.Utc
}

/** A command at regular times, made by {@link cron}. */
export interface Scheduled {
  readonly name: string
  readonly cron: Cron.Cron
  readonly missed: Missed
  readonly grace: Duration.Duration
  readonly command: (tick: Tick) => Sent<string>
}

/**
 * A schedule with a name. `expression` is a cron expression of five or six fields. `command` makes the command of a tick
 * with `Process.send`. The name and the tick determine its id, so all processes together execute it once. A
 * command that is rejected is done.
 *
 * A schedule begins when it is run for the first time. Throws for an expression, a zone or a name that is not valid.
 *
 * @example
 * ```ts
 * import { type Aggregate, Process, Schedules } from "@hexfold/core"
 * import { DateTime } from "effect"
 *
 * type Close = { readonly _tag: "Close" }
 * declare const Day: Aggregate.Aggregate<"Day", string, string, Close, never, never>
 *
 * const closeDay = Schedules.cron("close-day", "0 3 * * *", { zone: "Europe/Amsterdam" }, ({ at }) =>
 *   Process.send(Day, DateTime.formatIsoDateUtc(at), { _tag: "Close" })
 * )
 * ```
 */
export const cron = (
  name: string,
  expression: string,
  { grace = "1 minute", missed = "once", zone }: Options,
  command: (tick: Tick) => Sent<string>
): Scheduled => {
  const problem = idProblem("the name of a schedule", name)
  if (problem !== undefined) throw new Error(problem)
  return {
    name,
    cron: Cron.parseUnsafe(expression, zone ?? "UTC"),
    missed,
    grace: Duration.fromInputUnsafe(grace),
    command
  }
}

/** The schedules by their names, with the times of the last tick and of the next one in milliseconds, as a view. */
export const Status = Schedules

/**
 * Executes the commands of schedules for as long as the layer lives. Any number of processes may do it. While a store
 * cannot be reached, a tick waits.
 *
 * Throws if two of the schedules have the same name.
 *
 * @example
 * ```ts
 * import { type Reactor, Schedules } from "@hexfold/core"
 * import { Layer } from "effect"
 *
 * declare const closeDay: Schedules.Scheduled
 * declare const stores: Layer.Layer<Reactor.Stores>
 *
 * const live = Schedules.layer([closeDay]).pipe(Layer.provide(stores))
 * ```
 */
export const layer = (schedules: ReadonlyArray<Scheduled>): Layer.Layer<never, never, Stores> => {
  const names = new Set<string>()
  for (const { name } of schedules) {
    if (names.has(name)) throw new Error(`Schedules.layer: two schedules are called "${name}"`)
    names.add(name)
  }
  return Layer.effectDiscard(
    Effect.gen(function* () {
      yield* working({
        name: Schedules.name,
        run: Projection.run(Schedules),
        once: Projection.catchUp(Schedules, { pause: soon })
      })
      yield* Effect.forEach(
        schedules,
        (schedule) =>
          working({
            name: `schedule/${schedule.name}`,
            run: run(schedule),
            once: Effect.orDie(upToNow(schedule)),
            next: Effect.orDie(nextOf(schedule))
          }),
        { discard: true }
      )
    })
  )
}

/**
 * Runs a schedule for ever.
 *
 * Why each tick has one command. (1) Its id is made of the name and the time of the tick: of several processes, and of a
 * process that is started again, one executes it, and the others get its receipt. (2) The tick is recorded after its
 * command. So a crash in between repeats the command under the same id. (3) What is recorded is not looked at again.
 */
const run = (schedule: Scheduled): Effect.Effect<never, never, EventStore> => {
  const report = reported({
    failing: `the schedule ${schedule.name} cannot go on`,
    meanwhile: "its ticks wait",
    again: `the schedule ${schedule.name} goes on`,
    write: withMessage
  })
  return step(schedule).pipe(
    Effect.andThen((wait) => Effect.andThen(report.succeeded, Effect.sleep(wait))),
    Effect.catch((error) => Effect.andThen(report.failed(Cause.fail(error)), Effect.sleep(pause))),
    Effect.forever,
    Effect.withTracerEnabled(false)
  )
}

/** Executes all ticks whose time has come. */
const upToNow = (schedule: Scheduled): Effect.Effect<void, unknown, EventStore> =>
  Effect.repeat(step(schedule), { until: (wait) => !Duration.isZero(wait) })

/** The time of the next tick; undefined if the schedule has not begun. */
const nextOf = ({ cron, name }: Scheduled): Effect.Effect<number | undefined, Executor.LoadError, EventStore> =>
  Effect.map(Executor.load(Schedule, name), ({ state: last }) => (last === null ? undefined : tickAfter(cron, last)))

const tickAfter = (cron: Cron.Cron, at: number): number => Cron.next(cron, new Date(at)).getTime()

/** Executes the next tick if its time has come. Gives the time to wait after it. */
const step = ({
  command,
  cron,
  grace,
  missed,
  name
}: Scheduled): Effect.Effect<Duration.Duration, unknown, EventStore> =>
  Effect.gen(function* () {
    const now = yield* Clock.currentTimeMillis
    const after = (at: number) => tickAfter(cron, at)
    const { state: last } = yield* Executor.load(Schedule, name)
    if (last === null) {
      yield* Executor.execute(Schedule, name, { _tag: "StartSchedule", at: now, next: after(now) })
      return Duration.zero
    }
    const first = after(last)
    // A clock that is set, or a machine that sleeps, changes how long it is until the next tick.
    if (first > now) return Duration.millis(Math.min(first - now, longest))
    const at = missed === "all" ? first : lastUpTo(after, first, now)
    const skipped = missed === "skip" && now - at > Duration.toMillis(grace)
    if (!skipped) yield* executed(command({ schedule: name, at: DateTime.makeUnsafe(at) }), `schedule/${name}:${at}`)
    yield* Executor.execute(Schedule, name, { _tag: "TickSchedule", at, next: after(at), skipped })
    return Duration.zero
  })

/** The last tick up to a time, from one that is not after it. Every other tick in between was missed. */
const lastUpTo = (nextOf: (at: number) => number, first: number, now: number): number => {
  // Far back, the search begins anew near the end: a schedule of seconds may have missed millions of ticks.
  for (let back = 60_000; back < now - first; back *= 10) {
    const near = nextOf(now - back)
    if (near <= now) return lastUpTo(nextOf, near, now)
  }
  let at = first
  for (let next = nextOf(at); next <= now; next = nextOf(at)) at = next
  return at
}

const executed = ({ command, id, target }: Sent<string>, commandId: string): Effect.Effect<void, unknown, EventStore> =>
  Effect.gen(function* () {
    const sending = yield* Effect.try({ try: () => codecOf(target).encode(id, command), catch: (cause) => cause })
    yield* executeOrWarn(commandId, target, sending.id, sending.command, { commandId }).pipe(
      Metadata.with({ correlationId: commandId, causationId: commandId })
    )
  })

const pause = Duration.seconds(1)
const longest = 60_000
