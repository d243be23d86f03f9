/** The golden file of a topic: made, renewed, and compared with the program. */
import { Arbitrary, Effect, Option, Result, Schema } from "effect"
import type { AnyTopic } from "../histories/members.ts"
import type * as Arbitraries from "../histories/Arbitraries.ts"
import { thrownText } from "../histories/printed.ts"
import { isStorable, storable } from "../histories/storable.ts"
import type { Tagged } from "../histories/world.ts"
import { compareIds } from "./aggregate.ts"
import { compareEvents } from "./events.ts"
import { ofCurrent, renewEvents } from "./eventExamples.ts"
import { chosen, featuresOf, weightOf } from "./features.ts"
import type { OfTopic } from "./golden.ts"
import { distinct, type Problem } from "./problem.ts"

/** What stored events of the topic do not survive. */
export const compareTopic = (topic: AnyTopic, golden: OfTopic): ReadonlyArray<Problem> =>
  distinct([...compareEvents(topic, golden), ...compareIds(topic, golden.streams, "key")])

/** The golden file with all that the topic has now. What it had stays. */
export const renewTopic = (topic: AnyTopic, generated: Generated | undefined, golden?: OfTopic): OfTopic => ({
  topic: topic.name,
  events: renewEvents(topic, golden?.events ?? {}, { reached: new Map(), generatorOf: ofCurrent(generated?.events) }),
  streams: streamsOf(topic, generated, golden?.streams ?? [])
})

/** What `Arbitraries.ofTopic` has made. */
type Generated = Arbitraries.OfTopic<string, unknown, Tagged>

/** The streams of a few keys that show, with those that are there already, what the Schema of the key allows. */
const streamsOf = (
  topic: AnyTopic,
  generated: Generated | undefined,
  known: ReadonlyArray<string>
): ReadonlyArray<string> => {
  const encode = Schema.encodeSync(Schema.toCodecJson(topic.schemas.key))
  const jsonOf = (key: unknown) => [JSON.parse(JSON.stringify(encode(key))) as Schema.Json]
  const before = known.flatMap((stream) => Option.toArray(topic.idOf(stream as never)))
  const candidates = [...keysOf(topic, generated, known.length === 0)].sort(
    (a, b) => weightOf(jsonOf(a)) - weightOf(jsonOf(b))
  )
  const shows = featuresOf([...before, ...candidates].map(jsonOf))
  const shown = new Set(before.flatMap((key) => [...shows(jsonOf(key))]))
  return [...known, ...chosen(candidates, (key) => shows(jsonOf(key)), shown).map(topic.streamId)]
}

/** Keys that a store takes: those that the Schema is annotated with, and generated ones. An empty one names no record. */
const keysOf = (
  { name, schemas: { key } }: AnyTopic,
  generated: Generated | undefined,
  needed: boolean
): ReadonlyArray<unknown> => {
  const annotated: unknown = key.ast.annotations?.["examples"]
  const examples: ReadonlyArray<unknown> = Array.isArray(annotated) ? annotated : []
  const sampled = Result.try(() => {
    const sampling = Arbitrary.sampleEffect(generated?.key ?? storable(Arbitrary.schema(key), key), {
      count: 50,
      seed: 1
    })
    return Effect.runSync(Effect.orElseSucceed(sampling, (): ReadonlyArray<unknown> => []))
  })
  const keys = [...examples, ...Result.getOrElse(sampled, () => [])].filter((each) => each !== "" && isStorable(each))
  if (keys.length > 0 || !needed) return keys
  const why = Result.isFailure(sampled) ? thrownText(sampled.failure) : "its Schema refuses nearly all values"
  throw new Error(
    `${name}: no key can be made: ${why}. Give its Schema the annotation \`examples\`, with some of its values.`
  )
}
