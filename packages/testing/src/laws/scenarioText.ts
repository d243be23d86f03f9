/** A history as the code of a scenario. */
import { printed } from "../histories/printed.ts"
import { type AnyAggregate, idOf, isBoundary, type Logged, type Run, type Step } from "../histories/world.ts"

/** The steps before the last one as given events, and the last one as the command. */
export const scenarioOf = ({ steps }: Run): string => {
  const last = steps.at(-1)
  if (last === undefined) return "(no command)"
  const { command, given: asked, outcome, target } = last
  // Other streams do not matter to an aggregate.
  const own = isBoundary(target) ? undefined : target.streamId(asked.id)
  const before = steps
    .slice(0, -1)
    .flatMap(eventsOf)
    .filter(({ streamId }) => own === undefined || streamId === own)
  const events = eventsOf(last)
  const given = isBoundary(target)
    ? givenTo(before)
    : before.length === 0
      ? []
      : [`.given(${before.map(({ event }) => printed(event)).join(", ")})`]
  const then =
    outcome._tag === "Rejected"
      ? [`.thenRejected(${printed(outcome.error)})`]
      : outcome._tag !== "Accepted"
        ? []
        : events.length === 0
          ? [".thenNothing()"]
          : [
              `.then(${isBoundary(target) ? printed(outcome.emission) : events.map(({ event }) => printed(event)).join(", ")})`
            ]
  return lines(`Scenario.of(${target.name})`, [...given, `.when(${printed(command)})`, ...then])
}

/** All events of a history, given to a view. */
export const viewScenarioOf = (view: string, { log }: Run): string => lines(`Scenario.of(${view})`, givenTo(log))

const lines = (first: string, rest: ReadonlyArray<string>): string =>
  [first, ...rest.map((line) => `  ${line}`)].join("\n")

const eventsOf = ({ parts }: Step): ReadonlyArray<Logged> =>
  parts.flatMap(({ events, participant: { source, streamId } }) => events.map((event) => ({ source, streamId, event })))

// Events of one stream that follow each other are given together.
const givenTo = (log: ReadonlyArray<Logged>): ReadonlyArray<string> => {
  const runs: Array<Array<Logged>> = []
  for (const each of log) {
    const run = runs.at(-1)
    if (run?.[0]!.streamId === each.streamId) run.push(each)
    else runs.push([each])
  }
  return runs.map((run) => {
    const [first] = run as [Logged]
    const id = printed(idOf(first))
    return `.given(${(first.source as AnyAggregate).name}.at(${id}), ${run.map(({ event }) => printed(event)).join(", ")})`
  })
}
