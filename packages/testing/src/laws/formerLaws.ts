/** The laws of what makes current values of former versions, on generated values of each of them. */
import { InvalidCommand } from "@hexfold/core"
import { KeptValue } from "@hexfold/core/adapter"
import { Arbitrary, Effect, Result, type Schema } from "effect"
import { isMutation } from "../histories/frozen.ts"
import { journeyOf, withKeys } from "../histories/journey.ts"
import { printed, thrownText } from "../histories/printed.ts"
import { type AnyAggregate, type AnyBoundary, guard, isBoundary, tagOf, type Tagged } from "../histories/world.ts"
import { withoutStacks } from "../histories/withoutStacks.ts"
import { atAnotherTime } from "./atAnotherTime.ts"
import type { Broken } from "./broken.ts"
import { LawFailure } from "./failure.ts"
import { arbitraryOf, type Former, formerCommands, formerEvents, shownOf } from "./former.ts"

/**
 * Checks the steps from each former version of a target's events and commands, and from its retired events. Throws a
 * {@link LawFailure} with the simplest value that breaks a law.
 */
export const checkFormer = (
  target: AnyAggregate | AnyBoundary,
  { runs, seed }: { readonly runs: number; readonly seed: number }
): void => {
  const formers = [...(isBoundary(target) ? [] : formerEvents(target)), ...formerCommands(target)]
  for (const former of formers) checkOne(target.name, former, runs, seed)
}

const checkOne = (of: string, former: Former, runs: number, seed: number): void => {
  let first: Broken | undefined
  let tried = 0
  let read = 0
  const law = (value: Tagged) => brokenBy(former, value, () => read++)
  const property = (value: Tagged): boolean => {
    const broken = law(value)
    if (first === undefined) {
      tried++
      first = broken
    }
    // While it is made simpler, a value that breaks another law does not count.
    return broken === undefined || broken.law !== first?.law
  }
  const check = Arbitrary.checkEffect(arbitraryOf(former, of), property, { runs, seed, maxShrinks: 5_000 })
  const result = withoutStacks(() => Effect.runSync(check))
  const facts = { of, scenario: undefined, steps: 0, seed, histories: tried }
  if (result._tag === "Falsified") {
    // Once more, with stacks.
    throw new LawFailure({ ...facts, ...(law(result.shrunkInput) ?? first!) })
  }
  if (read > 0) return
  const what = `version ${former.version} of the ${former.what} ${former.tag}`
  throw new LawFailure({ ...facts, law: "a former version can become a current one", detail: `No generated value of ${what} did.` }) // prettier-ignore
}

/** The law that a value of a former version breaks. */
const brokenBy = (former: Former, value: Tagged, wasRead: () => void): Broken | undefined => {
  const kept = KeptValue.of(former.schema)(value)
  // What no store keeps was never stored.
  if (Result.isFailure(kept)) return undefined
  const json = kept.success.json as Schema.JsonObject
  const shown = shownOf(former, json)
  const given = stepped(former, kept.success.value, shown)
  if ("law" in given) return given
  const read = former.read(json)
  if (Result.isFailure(read)) {
    // A former command may not be possible any more. Its client is told so.
    if (former.what === "command" && read.failure instanceof InvalidCommand) return undefined
    const law = `every ${former.what} of a former version becomes ${former.what === "event" ? "current events" : "a current command"}`
    return { law, detail: `${sentence(shown)}: ${read.failure.message}`, cause: read.failure }
  }
  wasRead()
  return ofRepetition(former, json, read.success, shown) ?? ofSurvival(former, given.made, shown)
}

// The functions of the author, one after the other, on values that they cannot change unseen.
const stepped = (former: Former, value: unknown, shown: string): Broken | { readonly made: unknown } => {
  let current = value
  for (const { run, takes } of former.steps) {
    try {
      const guarded = guard(takes, current)
      current = run(guarded.given)
      guarded.check()
    } catch (thrown) {
      // What else a step throws is found when the value is read.
      if (!isMutation(thrown)) return { made: undefined }
      const detail = `On ${shown}, a step has thrown ${thrownText(thrown)}.`
      return { law: "a step between versions does not change its input", detail, cause: thrown }
    }
  }
  return { made: current }
}

// The same value read again, at another time, and with its keys in the order of another store.
const ofRepetition = (
  former: Former,
  json: Schema.JsonObject,
  first: ReadonlyArray<Tagged>,
  shown: string
): Broken | undefined => {
  const { read } = former
  const reordered = withKeys(json, (keys) => keys.reverse()) as Schema.JsonObject
  for (const [law, again] of [
    ["a step between versions is deterministic", () => atAnotherTime(() => read(json))],
    ["a step between versions does not depend on the order of keys", () => read(reordered)]
  ] as const) {
    const other = again()
    if (Result.isSuccess(other) && areSame(former.current, first, other.success)) continue
    const then = Result.isSuccess(other) ? printed(other.success) : other.failure.message
    return { law, detail: `${sentence(shown)} became ${printed(first)}, and then ${then}.` }
  }
  return undefined
}

const areSame = (schemaOf: Former["current"], one: ReadonlyArray<Tagged>, other: ReadonlyArray<Tagged>): boolean =>
  one.length === other.length &&
  one.every((each, i) => {
    const { _tag } = each
    // Both were read, so each has a schema.
    return _tag === other[i]!._tag && journeyOf(schemaOf(_tag)!).isSame(each, other[i])
  })

// What a step itself gives, before it is taken as a store would give it back.
const ofSurvival = ({ current, what }: Former, made: unknown, shown: string): Broken | undefined => {
  const all: ReadonlyArray<unknown> = Array.isArray(made) ? made : [made]
  for (const each of all) {
    const schema = current(tagOf(each))
    const back = schema === undefined ? undefined : journeyOf(schema).back(each)
    if (back === undefined || Result.isSuccess(back)) continue
    const law = `every ${what} that a step gives comes back from a store as it was`
    return { law, detail: `${sentence(shown)} became ${printed(each)}: ${back.failure}` }
  }
  return undefined
}

const sentence = (text: string): string => text.slice(0, 1).toUpperCase() + text.slice(1)
