/** The steps of a reactor's scenario, and how they are checked. */
import type { MemoryStores } from "@hexfold/adapters-memory"
import type { EventStore, Reactor } from "@hexfold/core"
import { Cause, Effect, Exit } from "effect"
import { compare, ScenarioFailure } from "../scenarios/compare.ts"
import { append, type Executing, type Given, handle, type Handled, logOf } from "./reactions.ts"
import { errorOf, inOrder } from "./shown.ts"
import * as TestApp from "./TestApp.ts"

/** Throws a {@link ScenarioFailure} if something else has come of an event. */
export type Check = (handled: Handled) => void

/** A step: events that have happened, an event that is handled, or another handling of that event. */
export type Step = (Given & { readonly check: Check | undefined }) | "repeats"

/** A command that is expected. */
interface Expected extends Omit<Executing, "commandId" | "exit"> {
  readonly error?: unknown
}

/** The handler has succeeded, with these commands. */
export const succeeds =
  (tag: string, commands: ReadonlyArray<Expected>): Check =>
  (handled) => {
    if (Exit.isFailure(handled.exit)) {
      throw new ScenarioFailure(`the handler of ${tag} failed`, "handled", { failed: failureOf(handled.exit) })
    }
    executes(tag, commands, handled)
  }

/** The handler has failed with an error, after these commands. */
export const fails =
  (tag: string, error: unknown, commands: ReadonlyArray<Expected>): Check =>
  (handled) => {
    const expected = { failed: errorOf(error) }
    if (Exit.isSuccess(handled.exit))
      throw new ScenarioFailure(`the handler of ${tag} did not fail`, expected, "handled")
    const actual = { failed: failureOf(handled.exit) }
    compare(`the handler of ${tag} failed with another error`, same(expected), same(actual))
    executes(tag, commands, handled)
  }

const executes = (tag: string, commands: ReadonlyArray<Expected>, handled: Handled): void => {
  const expected = commands.map(({ error, ...command }) =>
    shown(command, error === undefined ? undefined : errorOf(error))
  )
  const actual = handled.commands.map(({ exit, ...command }) => shown(command, failureOf(exit)))
  compare(`the handler of ${tag} executed other commands`, same(expected), same(actual))
}

const shown = ({ command, id, target }: Expected, failed: unknown) => ({
  target,
  ...(id === undefined ? undefined : { id: inOrder(id) }),
  command: errorOf(command),
  ...(failed === undefined ? undefined : { failed })
})

const same = (json: unknown) => ({ json, value: json })

const failureOf = (exit: Exit.Exit<unknown, unknown> | undefined): unknown =>
  exit === undefined || Exit.isSuccess(exit) ? undefined : errorOf(Cause.squash(exit.cause))

type Stores = MemoryStores.Stores

/** Runs all steps, and fails at the first one that is not as it must be. */
export const run = <R>(
  reactor: Reactor.Any,
  steps: ReadonlyArray<Step>
): Effect.Effect<void, ScenarioFailure, Exclude<R, Stores>> => {
  /** Runs steps on stores of their own, and then something else. */
  const world = <A>(then: Effect.Effect<A, ScenarioFailure, R | Stores>) =>
    Effect.provide(then, TestApp.layer()) as Effect.Effect<A, ScenarioFailure, Exclude<R, Stores>>

  /** What was handled last. */
  let last: { readonly recorded: EventStore.RecordedEvent; readonly outcome: Handled } | undefined

  const past = (steps: ReadonlyArray<Step>, checks: boolean) =>
    Effect.forEach(steps, (step, i) => {
      if (step === "repeats") return checks ? repeats(steps.slice(0, i)) : Effect.void
      return step.check === undefined ? append(step, "the given event") : handled(step, checks ? step.check : () => {})
    })

  const handled = (step: Exclude<Step, "repeats">, check: Check) =>
    Effect.gen(function* () {
      const [recorded] = yield* append(step, "the event")
      const outcome = yield* handle<R>(reactor, recorded!)
      yield* failing(() => check(outcome))
      last = { recorded: recorded!, outcome }
    })

  /** Handles the last event again: after it was handled, and after handlings that end after one of its commands. */
  const repeats = (before: ReadonlyArray<Step>): Effect.Effect<void, ScenarioFailure, R | Stores> =>
    Effect.gen(function* () {
      const { outcome, recorded } = last!
      const tag = recorded.type
      const log = yield* logOf
      const again = yield* handle<R>(reactor, recorded)
      yield* failing(() => {
        if (Exit.isFailure(again.exit) && Exit.isSuccess(outcome.exit)) {
          const why = { failed: failureOf(again.exit) }
          throw new ScenarioFailure(`the handler of ${tag} fails when it is run again`, "handled", why)
        }
      })
      const repeated = yield* logOf
      yield* failing(() => compare(`${tag}, handled again, has a second effect`, same(log), same(repeated)))
      const index = before.findLastIndex((step) => step !== "repeats" && step.check !== undefined)
      const step = before[index] as Exclude<Step, "repeats">
      for (let count = 1; count <= outcome.commands.length; count++) {
        const afterStop = yield* world(
          Effect.gen(function* () {
            yield* past(before.slice(0, index), false)
            const [recorded] = yield* append(step, "the event")
            yield* handle<R>(reactor, recorded!, count)
            yield* handle<R>(reactor, recorded!)
            yield* past(before.slice(index + 1), false)
            return yield* logOf
          })
        )
        const when = `${tag}, handled again after a handling that ended after command ${count}, has another effect`
        yield* failing(() => compare(when, same(log), same(afterStop)))
      }
      last = { outcome, recorded }
    })

  return Effect.asVoid(world(Effect.suspend(() => past(steps, true))))
}

const failing = (check: () => void): Effect.Effect<void, ScenarioFailure> =>
  Effect.try({
    try: check,
    catch: (cause) => cause
  }).pipe(Effect.catch((cause) => (cause instanceof ScenarioFailure ? Effect.fail(cause) : Effect.die(cause))))
