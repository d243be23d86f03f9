/** Examples of stored events, generated from the schema of their version. */
import type { EventCatalogue } from "@hexfold/core"
import { KeptValue } from "@hexfold/core/adapter"
import { Arbitrary, Effect, Result, type Schema } from "effect"
import { isStorable, storable } from "../histories/storable.ts"
import { thrownText } from "../histories/printed.ts"
import type { Tagged } from "../histories/world.ts"
import { isObject } from "./differences.ts"
import { chosen, featuresOf, weightOf } from "./features.ts"

type Data = Schema.JsonObject

/** What examples are chosen from, and for. */
interface Sources {
  /** Those that are there already. */
  readonly known: ReadonlyArray<Data>
  /** Those that have occurred in a history. */
  readonly reached: ReadonlyArray<Data>
  /** What generates the events in place of their schema. */
  readonly own: Arbitrary.Arbitrary<Tagged> | undefined
  /** Whether this program reads an event: a step need not take all that a schema allows. */
  readonly isRead: (data: Data) => boolean
}

/** The data of a few events that show, with those that are there already, what the schema allows. */
export const examplesOf = (
  entry: EventCatalogue.Entry,
  { isRead, known, own, reached }: Sources
): ReadonlyArray<Data> => {
  const generated = generatedOf(entry, own)
  const whole = [...reached, ...generated.made].filter(isRead).sort((a, b) => weightOf(a) - weightOf(b))
  // A field with a default is in all that this program writes, and not in what was stored before the field was added.
  const candidates = [
    ...whole,
    ...whole
      .slice(0, mostDivided)
      .flatMap((data) => withoutOne(data))
      .filter(isRead)
  ]
  const shows = featuresOf([...known, ...candidates])
  const shown = new Set(known.flatMap((data) => [...shows(data)]))
  const made = chosen(candidates, shows, shown)
  if (made.length === 0 && known.length === 0) {
    const { aggregate, type, version } = entry
    const why = generated.why ?? "this program reads none of those that are generated"
    throw new Error(
      `${aggregate}: no example of ${type}, version ${version}, can be made: ${why}. ` +
        "Give its Schema the annotation `examples`, with some of its values."
    )
  }
  return made
}

const mostDivided = 10

/** The same data without one of the fields, in any depth. */
const withoutOne = (data: Data): ReadonlyArray<Data> =>
  Object.entries(data).flatMap(([name, member]) => {
    const { [name]: _, ...others } = data
    return [others, ...withinOne(member).map((each) => ({ ...data, [name]: each }))]
  })

const withinOne = (json: Schema.Json): ReadonlyArray<Schema.Json> => {
  if (isObject(json)) return withoutOne(json)
  if (!Array.isArray(json)) return []
  const elements: ReadonlyArray<Schema.Json> = json
  return elements.flatMap((each, i) => withinOne(each).map((other) => elements.with(i, other)))
}

const generatedOf = (
  { schema }: EventCatalogue.Entry,
  own: Arbitrary.Arbitrary<Tagged> | undefined
): { readonly made: ReadonlyArray<Data>; readonly why?: string } => {
  const annotated: unknown = schema.ast.annotations?.["examples"]
  const examples = Array.isArray(annotated) ? keptOf(schema, annotated) : []
  try {
    const arbitrary = own ?? storable(Arbitrary.schema(schema), schema)
    const values = sizes.flatMap((size, seed) =>
      Effect.runSync(
        Effect.orElseSucceed(Arbitrary.sampleEffect(arbitrary, { count: 25, size, seed, maxDiscards: 2_000 }), () => [])
      )
    )
    const made = [...examples, ...keptOf(schema, values)]
    return made.length === 0 ? { made, why: "its Schema refuses nearly all values" } : { made }
  } catch (thrown) {
    return { made: examples, why: thrownText(thrown) }
  }
}

/** The data of events as a store keeps them. What no store takes is left out. */
const keptOf = (schema: EventCatalogue.Entry["schema"], events: ReadonlyArray<Tagged>): ReadonlyArray<Data> => {
  const keep = KeptValue.of(schema)
  return events.filter(isStorable).flatMap((event) =>
    Result.match(keep(event), {
      onFailure: () => [],
      onSuccess: ({ json }) => {
        const { _tag, ...data } = JSON.parse(JSON.stringify(json)) as Schema.JsonObject
        return [data]
      }
    })
  )
}

// Small values are easy to read, and larger ones show more.
const sizes = [0, 1, 3, 10]
