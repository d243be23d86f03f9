import type { Aggregate, Process, Topic, View } from "@hexfold/core"
import { ProcessMachine } from "@hexfold/core/adapter"
import { DateTime, type Duration, Option, Result, Schema } from "effect"
import { compare, ScenarioFailure } from "./compare.ts"
import { keepEvent, kept } from "./kept.ts"
import { type Events, listed, refuseAwait } from "./outcome.ts"
import type { Expected, ProcessScenario, ProcessWhen } from "./processWords.ts"

type Instance = Process.Instance<unknown>
type Fact = Process.Fact<unknown>
type Stepped = Process.Stepped<unknown>

/** What has happened so far. */
interface Past {
  /** The key of the process, once an event has said it. */
  readonly key: string | undefined
  readonly instance: Instance
  /** The commands of the last step. */
  readonly sent: ReadonlyArray<Process.Sending>
  /** How many events there were. */
  readonly events: number
}

/** The scenarios of a process to which nothing has happened. */
export const ofProcess = <
  Name extends string,
  State,
  S extends View.Source,
  To extends Process.Target,
  Timeouts extends string
>(
  process: Process.Process<Name, State, S, To, Timeouts>
): ProcessScenario<State, View.EventOf<S>, To, Timeouts> => {
  type Scenario = ProcessScenario<State, View.EventOf<S>, To, Timeouts>
  type When = ProcessWhen<State, View.EventOf<S>, To, Timeouts>
  const machine = ProcessMachine.of(process)
  const { name } = process

  const after = (instance: Instance, facts: ReadonlyArray<Fact>): Instance =>
    facts.reduce<Instance>((before, fact) => machine.evolve(before, fact), instance)

  const decided = (input: ProcessMachine.Input, past: Past): Stepped | undefined => {
    const [fact] = Result.getOrThrow(machine.decide(input, past.instance))
    return fact?._tag === "Stepped" ? { ...fact, state: keptState(fact.state) } : undefined
  }

  const keptState = (state: unknown): unknown =>
    kept(`${name}: the state after the step`, process.log.schemas.state, {
      ...process.log.initial,
      state: state as State
    }).value.state

  /** The past with a step. All that the steps before it have asked for was done. */
  const withStep = (past: Past, step: Stepped | undefined): Past => {
    if (step === undefined) return past
    return { ...past, instance: after(settled(past.instance), [step]), sent: step.sends }
  }

  const settled = (instance: Instance): Instance => {
    const commandIds = instance.sending.map(({ commandId }) => commandId)
    const timerIds = [...instance.setting.map(({ timerId }) => timerId), ...instance.cancelling]
    return after(instance, [{ _tag: "Settled", commandIds, timerIds }])
  }

  /** The event as it is recorded, and the process that it concerns. */
  const recordedOf = (
    past: Past,
    { source: { name: source }, streamId }: Topic.Keyed<string, Aggregate.Tagged>,
    event: Aggregate.Tagged
  ) => {
    const known = process.from.find((each) => each.name === source)
    if (known === undefined) throw new ScenarioFailure(`${name} does not follow ${source}`)
    const { value } = keepEvent(known, "the event", event)
    const schema = known.schemas.events.get(event._tag)!
    const number = past.events + 1
    const at = DateTime.makeUnsafe(number * 1_000)
    const id = `00000000-0000-7000-8000-${String(number).padStart(12, "0")}`
    const metadata = { correlationId: id, causationId: id }
    const place = { streamId, version: number, position: number, metadata, recordedAt: at }
    const envelope = { ...place, aggregate: source, id: Option.getOrThrow(known.idOf(streamId)), eventId: id, part: 0 }
    // A process is only asked about events of its own sources.
    const keys = process.keysOf(value as never, envelope as never)
    const [key] = Result.getOrThrow(keys)
    if (key === undefined) throw new ScenarioFailure(`${name} has no handler for ${event._tag} of ${source}`)
    if (past.key !== undefined && past.key !== key) {
      throw new ScenarioFailure(
        `the event ${event._tag} concerns the process "${key}", and the scenario is that of "${past.key}"`
      )
    }
    const data = Schema.encodeSync(Schema.toCodecJson(schema))(value)
    const schemaVersion = known.schemas.stored.get(event._tag)?.version ?? 1
    const recorded = {
      ...place,
      id,
      type: event._tag,
      schemaVersion,
      data,
      recordedAt: at.epochMilliseconds,
      imported: false
    }
    return { input: { _tag: "Advance" as const, recorded, part: 0 }, key, at: at.epochMilliseconds }
  }

  const taken = (past: Past, stream: Topic.Keyed<string, Aggregate.Tagged>, event: Aggregate.Tagged) => {
    const { at, input, key } = recordedOf(past, stream, event)
    const now = { ...past, key, events: past.events + 1 }
    return { past: now, step: decided(input, now), at }
  }

  const whenOf = (
    what: string,
    make: () => { readonly past: Past; readonly step: Stepped | undefined; readonly at: number },
    always = ""
  ): When => ({
    then: (expected) => {
      refuseAwait(what, expected)
      const { at, past, step } = make()
      if (step === undefined)
        throw new ScenarioFailure(`${name} records no step for ${what}`, shownOf(expected, at), "ignored")
      const { state, ...others } = actualOf(past, step)
      const actual = { ...others, ...("state" in expected ? { state } : {}) }
      const wanted = { ...shownOf(expected, at), ...(step.ends ? { cancels: [] } : {}) }
      compare(`${name} makes another step of ${what}`, { json: wanted, value: wanted }, { json: actual, value: actual })
      return goOn(() => withStep(past, step))
    },
    thenIgnored: () => {
      const { past, step } = make()
      if (step !== undefined)
        throw new ScenarioFailure(
          `${name} records a step for ${what}: say with then what follows${always}`,
          "ignored",
          actualOf(past, step)
        )
      return goOn(() => past)
    }
  })

  /** What follows from a step, as a scenario says it. */
  const actualOf = ({ instance }: Past, { cancels, ends, sends, state, timers }: Stepped) => ({
    commands: sends.map(({ command, id, target }) => ({ target, ...(id === undefined ? {} : { id }), command })),
    state,
    timeouts: Object.fromEntries(timers.map(({ at, name }) => [name, DateTime.formatIso(at)])),
    cancels: ends
      ? []
      : instance.waiting
          .filter(({ timerId }) => cancels.includes(timerId))
          .map(({ name }) => name)
          .sort(),
    ends
  })

  const shownOf = (
    { cancels = [], commands = [], ends = false, timeouts = {}, ...given }: Expected<State, Timeouts>,
    at: number
  ) => ({
    commands: commands.map(({ command, id, target }) => ({
      target: target.name,
      ...ProcessMachine.codecOf(target).encode(id, command)
    })),
    ...("state" in given ? { state: given.state } : {}),
    timeouts: Object.fromEntries(
      Object.entries<Duration.Input | DateTime.DateTime | undefined>(timeouts).map(([each, time]) => [
        each,
        shownTime(each, DateTime.isDateTime(time) ? { time } : { after: time! }, at)
      ])
    ),
    cancels: [...cancels].sort(),
    ends
  })

  const shownTime = (timeout: string, when: Process.Timeout<string>["at"], at: number): string => {
    const time = ProcessMachine.timeOf(when, at)
    if (Result.isFailure(time)) throw new ScenarioFailure(`the expected timeout ${timeout}: ${time.failure}`)
    return DateTime.formatIso(DateTime.makeUnsafe(time.success))
  }

  const goOn = (past: () => Past): Scenario => {
    const now = memoized(past)
    return {
      given: (stream, ...events) =>
        goOn(() =>
          listed(events as Events<Aggregate.Tagged>).reduce((before, event) => {
            const { past, step } = taken(before, stream as Topic.Keyed<string, Aggregate.Tagged>, event)
            return withStep(past, step)
          }, now())
        ),
      when: (stream, event) =>
        whenOf(event._tag, () => taken(now(), stream as Topic.Keyed<string, Aggregate.Tagged>, event)),
      whenTimeout: (timeout) =>
        whenOf(
          `the timeout ${timeout}`,
          () => {
            const past = now()
            const waiting = past.instance.waiting.find((each) => each.name === timeout)
            if (waiting === undefined) throw new ScenarioFailure(`${name} does not wait for the timeout ${timeout}`)
            const { at, timerId } = waiting
            const input = {
              _tag: "Expire" as const,
              key: past.key ?? "",
              timerId,
              handling: timerId,
              at: at.epochMilliseconds
            }
            return { past, step: decided(input, past), at: at.epochMilliseconds }
          },
          recorded
        ),
      whenRejected: (target, error) =>
        whenOf(
          `the rejection ${tagOf(error)}`,
          () => {
            const past = now()
            const sent = past.sent.findLast((each) => each.target === target.name)
            if (sent === undefined)
              throw new ScenarioFailure(`the last step of ${name} has sent no command to ${target.name}`)
            const { commandId } = sent
            const at = past.events * 1_000
            const json = ProcessMachine.codecOf(target).encodeError(error as Aggregate.Tagged)
            if (json === undefined) throw new ScenarioFailure(`${target.name} does not reject with ${tagOf(error)}`)
            const input = {
              _tag: "Reject" as const,
              key: past.key ?? "",
              commandId,
              error: json,
              handling: commandId,
              at
            }
            return { past, step: decided(input, past), at }
          },
          recorded
        )
    }
  }

  return goOn(() => ({ key: undefined, instance: process.log.initial, sent: [], events: 0 }))
}

// For tests that no compiler has seen.
const recorded = ". Rejections and timeouts are recorded, even if the handler ignores them: then({})"

const memoized = <A>(make: () => A): (() => A) => {
  let made: { readonly value: A } | undefined
  return () => (made ??= { value: make() }).value
}

const tagOf = (error: unknown): string => (error as Aggregate.Tagged)._tag
