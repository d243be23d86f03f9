/** The golden file of a process: made, renewed, and compared with the program. */
import type { EventCatalogue, Process } from "@hexfold/core"
import { Arbitrary, Result, Schema } from "effect"
import type { Cause } from "../../histories/members.ts"
import type { AnyAggregate, AnyBoundary, Tagged } from "../../histories/world.ts"
import { castOf } from "../../processes/cast.ts"
import { type Fact, type Stepped } from "../../processes/playing.ts"
import { decodedOf, simulate, type Story } from "../../processes/simulation.ts"
import { compareFolds, compareIds, withStates } from "../aggregate.ts"
import { renewEvents } from "../eventExamples.ts"
import { compareEvents } from "../events.ts"
import type { OfProcess, StreamHistory } from "../golden.ts"
import { distinct, type Problem } from "../problem.ts"
import { read, stored } from "../reading.ts"
import { fewOf, runsOf } from "../reachable.ts"
import { compareDefinition, definitionOf, kindOf, missing } from "./definitions.ts"
import { compareHandled, renewHandled } from "./handled.ts"

/** What processes that have begun do not survive. */
export const compareProcess = (process: Process.Any, golden: OfProcess): ReadonlyArray<Problem> => {
  const before = golden.versions[String(process.version)]
  const log = logOf(process)
  const problems = [
    ...(before === undefined ? [] : compareDefinition(process, before)),
    ...compareWaiting(process, golden),
    ...compareEvents(log, golden),
    ...compareIds(
      log,
      golden.histories.map(({ streamId }) => streamId),
      "id"
    )
  ]
  if (problems.length > 0) return distinct(problems)
  return distinct([...compareHandled(process, golden), ...compareFolds(log, golden), ...compareSent(process, golden)])
}

/** The stream of a process. Its states are those of one version. */
const logOf = (process: Process.Any): AnyAggregate => {
  const { state } = process.definition
  return { ...(process.log as unknown as AnyAggregate), revision: "versions" in state ? state.version : 1 }
}

/** What a process that waits may still need, whatever its version. */
const compareWaiting = (process: Process.Any, { versions }: OfProcess): ReadonlyArray<Problem> => {
  const { name, targets } = process
  const { onRejected, onTimeout } = process.handlers
  const kept = (what: string) =>
    `A process that has begun may still wait for it. Keep ${what} until none does, and then delete it from the golden file.`
  const named = targets.map((target) => target.name)
  return [
    ...missing(versions, "targets", named).map((target) => ({
      where: name,
      what: `it does not send to ${target} any more`,
      remedy: kept("it in `to`")
    })),
    ...missing(versions, "timeouts", [...onTimeout.keys()]).map((timeout) => ({
      where: name,
      what: `the timeout ${timeout} has no handler any more`,
      remedy: kept("its handler")
    })),
    ...missing(versions, "rejections", [...onRejected.keys()]).map((error) => ({
      where: name,
      what: `the rejection ${error} has no handler any more`,
      remedy: kept("its handler")
    }))
  ]
}

/** The commands that were recorded and cannot be sent any more. */
const compareSent = (process: Process.Any, { histories }: OfProcess): ReadonlyArray<Problem> => {
  const targets = new Map(
    process.targets.map((target) => [target.name, target as unknown as AnyAggregate | AnyBoundary])
  )
  return histories.flatMap(({ events, streamId }) =>
    events.flatMap((event, i): ReadonlyArray<Problem> => {
      const current = Result.getOrElse(read(logOf(process), event, streamId, i + 1), () => [])
      return current.flatMap(({ value }) => {
        const { sends = [] } = value as Partial<Stepped>
        return sends.flatMap((sending): ReadonlyArray<Problem> => {
          const target = targets.get(sending.target)
          const sent = target === undefined ? undefined : decodedOf(target, sending)
          if (sent === undefined || Result.isSuccess(sent)) return []
          const { _tag } = sending.command as { readonly _tag: string }
          return [
            {
              where: `${process.name}, event ${i + 1} of ${streamId}`,
              what: `the command ${_tag} to ${sending.target} is not read any more: ${sent.failure.message}`,
              remedy: `It is sent when a process goes on. Make it a former version of the command: \`Versions.first\`, and \`.next(Schema, step)\`.`
            }
          ]
        })
      })
    })
  )
}

/** The golden file with all that the process has now. What it had stays. */
export const renewProcess = (process: Process.Any, others: ReadonlyArray<Cause>, golden?: OfProcess): OfProcess => {
  const { all, others: actors } = castOf(process, others.length === 0 ? undefined : others)
  // Few commands of others lead to many events of a process.
  const simulated = runsOf(actors, 60, 6).map(({ steps }) =>
    simulate(process, { actors: all, script: steps.map(({ given }) => given) })
  )
  const log = logOf(process)
  const known = golden?.histories ?? []
  const candidates = simulated.flatMap(({ stories }) => stories.flatMap((story) => historyOf(log, story)))
  const kinds = ({ events }: StreamHistory) => events.map(({ data, type }) => `${type} ${causeOf(data)}`)
  const jsonOf = ({ events, streamId }: StreamHistory) => [streamId, ...events.map(({ data }) => data)]
  const histories = withStates(log, [...known, ...fewOf(candidates, kinds, jsonOf, known)])
  const reached = Map.groupBy(
    histories.flatMap(({ events }) => events),
    ({ schemaVersion, type }) => `${type} ${schemaVersion}`
  )
  return {
    process: kindOf(process).own,
    versions: {
      [String(process.version)]: {
        ...definitionOf(process),
        targets: process.targets.map(({ name }) => name).sort(),
        timeouts: [...process.handlers.onTimeout.keys()].sort(),
        rejections: [...process.handlers.onRejected.keys()].sort()
      },
      ...golden?.versions
    },
    handled: renewHandled(
      process,
      simulated.map(({ run }) => run.log),
      golden?.handled ?? []
    ),
    events: renewEvents(log, golden?.events ?? {}, { reached, generatorOf }),
    histories
  }
}

/** What a step has besides a state is the library's: any JSON would hide what matters. */
const generatorOf = ({ schema, type }: EventCatalogue.Entry): Arbitrary.Arbitrary<Tagged> | undefined => {
  const { state } = (schema as unknown as { readonly fields: { readonly state?: Schema.Codec<unknown, unknown> } })
    .fields
  if (state !== undefined) {
    return Arbitrary.map(
      Arbitrary.schema(state),
      (value): Tagged => ({ _tag: type, ...simple, state: value }) as Tagged
    )
  }
  // The order of an operator is generated from its Schema.
  if (type !== "Settled") return undefined
  return Arbitrary.map(
    Arbitrary.schema(Schema.Null),
    (): Tagged => ({ _tag: type, commandIds: [], timerIds: [] }) as Tagged
  )
}

const simple = {
  step: 1,
  cause: { _tag: "Timeout", timerId: "1", name: "any" },
  sends: [],
  timers: [],
  cancels: [],
  ends: false
}

const causeOf = (data: object): string => {
  const { cause } = data as { readonly cause?: { readonly _tag: string } }
  return cause?._tag ?? ""
}

/** The stream of a process, as far as a store can keep it. */
const historyOf = (log: AnyAggregate, { key, played }: Story): ReadonlyArray<StreamHistory> => {
  const all = Result.all(played.facts.map((fact: Fact) => stored(log, fact)))
  if (Result.isFailure(all) || all.success.length === 0) return []
  const history = { streamId: log.streamId(key), events: all.success.map((event) => ({ ...event, states: {} })) }
  return compareFolds(log, { histories: [history] }).length === 0 ? [history] : []
}
