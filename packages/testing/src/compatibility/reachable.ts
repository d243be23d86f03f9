/** Histories that can happen, a few of which show all events. */
import { Arbitrary, Effect, type Schema } from "effect"
import { historiesOf } from "../histories/shrinking.ts"
import type { Actor, Run } from "../histories/world.ts"
import { withoutStacks } from "../histories/withoutStacks.ts"
import { chosen, weightOf } from "./features.ts"

/** Histories of some actors: the same ones whenever they are asked for. */
export const runsOf = (actors: ReadonlyArray<Actor>, count = 150, mostCommands = 12): ReadonlyArray<Run> =>
  withoutStacks(() => Effect.runSync(Arbitrary.sampleEffect(historiesOf(actors, mostCommands), { count, seed: 1 })))

/**
 * A few histories that show, with those that are there already, each type of event up to three times. Of histories that
 * show as much, it takes one that is easy to read.
 */
export const fewOf = <A>(
  candidates: ReadonlyArray<A>,
  typesOf: (history: A) => ReadonlyArray<string>,
  jsonOf: (history: A) => Schema.Json,
  known: ReadonlyArray<A>
): ReadonlyArray<A> => {
  const features = (history: A): ReadonlySet<string> => {
    const counts = new Map<string, number>()
    for (const type of typesOf(history)) counts.set(type, Math.min(mostOfType, (counts.get(type) ?? 0) + 1))
    return new Set([...counts].flatMap(([type, count]) => Array.from({ length: count }, (_, i) => `${type} ${i + 1}`)))
  }
  const weighed = candidates
    .map((history) => ({ history, weight: weightOf(jsonOf(history)) }))
    .sort((a, b) => a.weight - b.weight)
    .map(({ history }) => history)
  return chosen(weighed, features, new Set(known.flatMap((each) => [...features(each)])))
}

const mostOfType = 3
