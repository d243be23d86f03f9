/** The way of a value through a store: as it is given back, and with its keys in another order. */
import { KeptValue } from "@hexfold/core/adapter"
import { Result, Schema } from "effect"

/** The ways of the values of one schema. A failure says what a store would refuse or change. */
export interface Journey<A> {
  /** The JSON of a value, its keys in one order. */
  readonly json: (value: A) => string
  readonly back: (value: A) => Result.Result<A, string>
  /** The same, with the keys of its JSON in the opposite order. */
  readonly reordered: (value: A) => Result.Result<A, string>
}

export const journeyOf = <A>(schema: Schema.Codec<A, unknown>): Journey<A> => {
  const known = journeys.get(schema)
  // Each schema has the journey of its own values.
  if (known !== undefined) return known as unknown as Journey<A>
  const journey = make(schema)
  journeys.set(schema, journey as unknown as Journey<unknown>)
  return journey
}

const journeys = new WeakMap<object, Journey<unknown>>()

const make = <A>(schema: Schema.Codec<A, unknown>): Journey<A> => {
  const keep = KeptValue.of(schema)
  const codec = Schema.toCodecJson(schema)
  const [encode, decode] = [Schema.encodeResult(codec), Schema.decodeUnknownResult(codec)]
  return {
    json: (value) => {
      const json = Result.getOrElse(
        encode(value),
        () => Result.getOrThrowWith(keep(value), (why) => new Error(why)).json
      )
      return JSON.stringify(withKeys(json, (keys) => keys.sort()))
    },
    back: (value) => Result.map(keep(value), (kept) => kept.value),
    reordered: (value) =>
      Result.flatMap(keep(value), ({ json }) =>
        Result.mapError(decode(withKeys(json, (keys) => keys.reverse())), ({ message }) => message)
      )
  }
}

const withKeys = (json: unknown, order: (keys: Array<string>) => Array<string>): unknown => {
  if (typeof json !== "object" || json === null) return json
  if (Array.isArray(json)) return json.map((each) => withKeys(each, order))
  const members = json as Readonly<Record<string, unknown>>
  return Object.fromEntries(order(Object.keys(members)).map((key) => [key, withKeys(members[key], order)]))
}
