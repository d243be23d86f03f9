/** The way of a value through a store: as it is given back, and with its keys in another order. */
import { KeptValue } from "@hexfold/core/adapter"
import { Equal, Result, Schema } from "effect"
import { canBeFrozen, frozen, Mutation } from "./frozen.ts"
import { printed } from "./printed.ts"

/** The ways of the values of one schema. A failure says what a store would refuse or change. */
export interface Journey<A> {
  /** The JSON of a value, its keys in one order; its code if it has no JSON. */
  readonly json: (value: A) => string
  /** Whether two values have the same meaning: sets and maps have no order. */
  readonly isSame: (one: A, other: A) => boolean
  readonly back: (value: A) => Result.Result<A, string>
  /** The same, with the keys of its JSON in the opposite order. */
  readonly reordered: (value: A) => Result.Result<A, string>
  /** The value for a function that must not change it. `check` throws a `Mutation` if the function has. */
  readonly guard: (value: A) => { readonly given: A; readonly check: () => void }
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
  const json = (value: A): string => {
    const encoded = Result.getOrElse(encode(value), () =>
      Result.match(keep(value), { onFailure: () => undefined, onSuccess: (kept) => kept.json })
    )
    return encoded === undefined ? printed(value) : JSON.stringify(withKeys(encoded, (keys) => keys.sort()))
  }
  return {
    json,
    isSame: (one, other) => json(one) === json(other) || Equal.equals(one, other),
    back: (value) => Result.map(keep(value), (kept) => kept.value),
    reordered: (value) =>
      Result.flatMap(keep(value), (kept) =>
        Result.mapError(decode(withKeys(kept.json, (keys) => keys.reverse())), ({ message }) => message)
      ),
    guard: (value) => {
      if (canBeFrozen(value)) return { given: frozen(value), check: () => {} }
      const copy = Result.match(keep(value), { onFailure: () => value, onSuccess: (kept) => kept.value })
      const before = json(copy)
      const check = () => {
        const after = json(copy)
        if (before !== after) throw new Mutation(`it has changed its input ${before} to ${after}`)
      }
      return { given: copy, check }
    }
  }
}

/** The same JSON with the keys of all its objects in another order. */
export const withKeys = (json: unknown, order: (keys: Array<string>) => Array<string>): unknown => {
  if (typeof json !== "object" || json === null) return json
  if (Array.isArray(json)) return json.map((each) => withKeys(each, order))
  const members = json as Readonly<Record<string, unknown>>
  return Object.fromEntries(order(Object.keys(members)).map((key) => [key, withKeys(members[key], order)]))
}
