/** The laws of a process, on each of its steps in a history. */
import type { Process } from "@hexfold/core"
import { ProcessMachine } from "@hexfold/core/adapter"
import { Result } from "effect"
import { isMutation } from "../histories/frozen.ts"
import type { Distribution } from "../histories/Histories.ts"
import { type Journey, journeyOf } from "../histories/journey.ts"
import { printed, thrownText } from "../histories/printed.ts"
import { type AnyAggregate, type AnyBoundary, guard, type Run, type Tagged } from "../histories/world.ts"
import { castOf } from "../processes/cast.ts"
import { type Call, type Inspect, type Move, stateOf, thrownBy } from "../processes/playing.ts"
import { scenarioOf } from "../processes/scenarioText.ts"
import { decodedOf, simulate } from "../processes/simulation.ts"
import { atAnotherTime } from "./atAnotherTime.ts"
import type { Broken } from "./broken.ts"
import { check, type Options } from "./checking.ts"
import { type Ordered, orderLaw } from "./interleavings.ts"

/** Checks the laws of a process. */
export const checkProcess = (
  process: Process.Any,
  { ordered, ...options }: Options & { readonly ordered: Ordered | "all" }
): Distribution => {
  const { all, others } = castOf(process, options.with)
  const inspect = stepLaws(process)
  const stored = storedLaw(process)
  const inOrder = ordered === "all" ? () => undefined : orderLaw(process, ordered, inspect)
  const scenarios = new WeakMap<Run, string>()
  const wholes = new WeakMap<Run, Run>()
  let steps = 0

  const law = (run: Run): Broken | undefined => {
    try {
      return ofRun(run)
    } catch (cause) {
      return thrownBy(process, cause)
    }
  }

  const ofRun = (run: Run): Broken | undefined => {
    const script = run.steps.map(({ given }) => given)
    const { problem, run: whole, stories } = simulate(process, { actors: all, script, inspect })
    wholes.set(run, whole)
    if (problem !== undefined) {
      const { played, ...broken } = problem
      if (played !== undefined) scenarios.set(run, scenarioOf(process, played))
      return broken
    }
    for (const story of stories) {
      const { moves } = story.played
      steps += moves.filter(({ step }) => step !== undefined).length
      const broken = stored(moves)
      if (broken !== undefined) {
        scenarios.set(run, scenarioOf(process, story.played))
        return broken
      }
      const differing = inOrder(story)
      if (differing === undefined) continue
      const { scenario, ...different } = differing
      scenarios.set(run, scenario)
      return different
    }
    return undefined
  }
  return check(
    {
      of: process.name,
      actors: others,
      law,
      whole: (run) => wholes.get(run) ?? run,
      scenario: (run) => scenarios.get(run) ?? `(${run.steps.map(({ command }) => printed(command)).join(", ")})`,
      vacuous: () =>
        steps > 0
          ? undefined
          : `${process.name} made no step in any history, so nothing was shown. Give what causes its events: { with: [...] }.`
    },
    options
  )
}

type Step = Process.Step<unknown, string, string>

/** The laws of each call of a handler. */
const stepLaws = (process: Process.Any): Inspect => {
  const state = journeyOf(stateOf(process))
  const targets = new Map(process.targets.map((target) => [target.name, target]))

  const called = (call: Call, from: unknown, by: Tagged | undefined): Result.Result<Step | Process.Ignored, Broken> => {
    const before = guard(stateOf(process), from)
    const value = by === undefined ? undefined : guard(call.schema, by)
    return Result.try({
      try: () => {
        const step = call.run(before.given, value?.given as Tagged | undefined)
        before.check()
        value?.check()
        if (step?._tag !== "Step" && step?._tag !== "Ignored")
          throw new TypeError(`it has returned ${printed(step)}, which is no step`)
        return step
      },
      catch: (thrown): Broken => ({
        law: isMutation(thrown) ? `${call.of} does not change its inputs` : `${call.of} does not throw`,
        detail: `On ${call.what}, ${call.of} of ${process.name} has thrown ${thrownText(thrown)}.`,
        cause: thrown
      })
    })
  }

  const textOf = (step: Step | Process.Ignored): string =>
    step._tag === "Ignored"
      ? "nothing"
      : [
          `the state ${state.json(step.state)}`,
          ...step.outputs.map((output) => {
            if (output._tag === "Send") return `${printed(output.command)} to ${output.to} ${printed(output.id)}`
            return output._tag === "Cancel" ? `no ${output.name}` : `${output.name} ${printed(output.at)}`
          }),
          ...(step.ends ? ["the end"] : [])
        ].join(", ")

  const ofStep = (call: Call, step: Step): Broken | undefined => {
    const back = state.back(step.state)
    if (Result.isFailure(back)) {
      const detail = `On ${call.what}: ${printed(step.state)}: ${back.failure}`
      return { law: "every state comes back from a store as it was", detail }
    }
    for (const output of step.outputs) {
      if (output._tag === "Send") {
        const lost = lostOf(targets.get(output.to), output)
        if (lost !== undefined)
          return { law: "every command comes back from a store as it was", detail: `On ${call.what}: ${lost}` }
      }
      if (output._tag !== "Timeout") continue
      if (!process.handlers.onTimeout.has(output.name))
        return { law: "every timeout has a handler", detail: `On ${call.what} it asks for ${output.name}.` }
      const time = ProcessMachine.timeOf(output.at, call.at)
      if (Result.isFailure(time)) {
        const detail = `On ${call.what} it asks for ${output.name}, but ${time.failure}.`
        return { law: "every timeout has a time", detail }
      }
    }
    return undefined
  }

  return (call, { before }) => {
    const first = called(call, before.state, call.value)
    if (Result.isFailure(first)) return first.failure
    const broken = first.success._tag === "Step" ? ofStep(call, first.success) : undefined
    if (broken !== undefined) return broken
    const value = call.value === undefined || call.schema === undefined ? undefined : journeyOf(call.schema)
    const ways = (way: "back" | "reordered") =>
      called(
        call,
        given(state[way], before.state),
        value === undefined ? call.value : (given(value[way], call.value) as Tagged)
      )
    const [stored, reordered] = [ways("back"), ways("reordered")]
    const others = [
      [`${call.of} is deterministic`, first, called(call, before.state, call.value)],
      [`${call.of} is deterministic`, first, atAnotherTime(() => called(call, before.state, call.value))],
      [`${call.of} does not depend on the order of keys`, stored, reordered],
      ["what was stored leads to the step that was decided", first, stored]
    ] as const
    for (const [law, one, other] of others) {
      if (Result.isFailure(one)) return one.failure
      if (Result.isFailure(other)) return other.failure
      const [text, again] = [textOf(one.success), textOf(other.success)]
      if (again !== text) return { law, detail: `${call.what} came to ${text}, and then to ${again}.` }
    }
    return undefined
  }
}

// A value that does not survive is told of by a law of its own.
const given = <A>(way: Journey<A>["back"], value: A): A => Result.getOrElse(way(value), () => value)

/** What a store would refuse or change of a command; undefined if nothing. */
const lostOf = (target: Process.Target | undefined, { command, id, to }: Process.Sent<string>): string | undefined => {
  if (target === undefined) return `${to} is not among its targets`
  const known = target as unknown as AnyAggregate | AnyBoundary
  const encoded = Result.try({
    try: () => ProcessMachine.codecOf(target).encode(id, command),
    catch: (cause) => `${printed(command)} to ${to}: ${thrownText(cause)}`
  })
  const sent = Result.flatMap(encoded, (sending) =>
    Result.mapError(
      decodedOf(known, { commandId: "", target: to, ...sending }),
      (cause) => `${printed(command)} to ${to}: ${cause.message}`
    )
  )
  if (Result.isFailure(sent)) return sent.failure
  const read = ProcessMachine.codecOf(target).encode(sent.success.id, sent.success.command)
  const [before, after] = [encoded, Result.succeed(read)].map((each) => JSON.stringify(Result.getOrThrow(each)))
  return before === after ? undefined : `${printed(command)} to ${to} is read back as ${printed(sent.success.command)}`
}

/** What is recorded of the last steps makes the process that has decided. */
const storedLaw = (process: Process.Any) => {
  const { evolve } = ProcessMachine.of(process)
  const { schemas } = process.log as Process.Log<unknown>
  const steps = journeyOf<unknown>(schemas.events.get("Stepped")!)
  const instances = journeyOf(schemas.state)
  return (moves: ReadonlyArray<Move>): Broken | undefined => {
    for (const { after, before, step } of moves.slice(-2)) {
      if (step === undefined) continue
      const back = steps.back(step)
      if (Result.isFailure(back))
        return { law: "every step can be recorded", detail: `${printed(step)}: ${back.failure}` }
      const stored = evolve(before, back.success as typeof step)
      if (instances.isSame(stored, after)) continue
      const detail = `The process was ${instances.json(after)}. What was stored leads to ${instances.json(stored)}.`
      return { law: "what was stored leads to the process that decided", detail }
    }
    return undefined
  }
}
