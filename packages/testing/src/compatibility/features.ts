/** What examples show of the JSON of a schema, so that a few of them show all of it. */
import type { Schema } from "effect"
import { isObject } from "./differences.ts"

/**
 * What each of some JSON values shows: at each place the kinds of values, which fields may be missing, and single values
 * where there are only a few. It depends on which values are given, and neither on their order nor on how often each is.
 */
export const featuresOf = (all: ReadonlyArray<Schema.Json>): ((value: Schema.Json) => ReadonlySet<string>) => {
  const places = new Map<string, Place>()
  for (const value of new Map(all.map((each) => [JSON.stringify(each), each])).values()) learn(value, "", places)
  return (value) => {
    const features = new Set<string>()
    show(value, "", 0, places, features)
    return features
  }
}

/**
 * A few of some candidates that show what is not shown yet. Of those that show nearly as much, the first one is taken: the
 * candidates come in the order in which they please.
 */
export const chosen = <A>(
  candidates: ReadonlyArray<A>,
  featuresOf: (candidate: A) => ReadonlySet<string>,
  shown: ReadonlySet<string>
): ReadonlyArray<A> => {
  const known = new Set(shown)
  const all = candidates.map((candidate) => ({ candidate, features: featuresOf(candidate) }))
  const taken: Array<A> = []
  for (;;) {
    const gains = all.map(({ features }) => [...features].filter((feature) => !known.has(feature)).length)
    const best = Math.max(0, ...gains)
    if (best === 0) return taken
    const { candidate, features } = all[gains.findIndex((gain) => gain >= enough * best)]!
    taken.push(candidate)
    for (const feature of features) known.add(feature)
  }
}

const enough = 0.7

/** How hard JSON is to read: its length, and characters that are neither letters, digits nor those of JSON. */
export const weightOf = (value: Schema.Json): number => {
  const text = JSON.stringify(value)
  return text.length + 20 * (text.match(/[^A-Za-z0-9{}[\]":,.-]/g)?.length ?? 0)
}

/** What is known of the values at one place. */
interface Place {
  readonly texts: Set<string>
  objects: number
  /** How many objects have each field. */
  readonly fields: Map<string, number>
}

const learn = (value: Schema.Json, path: string, places: Map<string, Place>): void => {
  const place = places.get(path) ?? { texts: new Set(), objects: 0, fields: new Map<string, number>() }
  places.set(path, place)
  if (typeof value === "string") place.texts.add(value)
  for (const [at, member] of membersOf(value)) learn(member, path + at, places)
  if (!isObject(value)) return
  place.objects++
  for (const name of Object.keys(value)) place.fields.set(name, (place.fields.get(name) ?? 0) + 1)
}

const membersOf = (value: Schema.Json): ReadonlyArray<readonly [string, Schema.Json]> =>
  Array.isArray(value)
    ? value.map((each: Schema.Json) => ["[]", each] as const)
    : isObject(value)
      ? Object.entries(value).map(([name, each]) => [`.${name}`, each] as const)
      : []

const show = (
  value: Schema.Json,
  path: string,
  depth: number,
  places: ReadonlyMap<string, Place>,
  into: Set<string>
): void => {
  const place = places.get(path)
  for (const kind of kindsOf(value, place)) into.add(`${path} ${kind}`)
  // What is deeper, and what stands under any keys, has no end.
  if (depth === deepest || (place !== undefined && hasAnyKeys(place))) return
  for (const [at, member] of membersOf(value)) show(member, path + at, depth + 1, places, into)
}

const deepest = 5

// In a record each key is rare; a field that may be missing is not.
const hasAnyKeys = ({ fields, objects }: Place): boolean =>
  fields.size > 8 && [...fields.values()].reduce((sum, count) => sum + count, 0) < 0.25 * objects * fields.size

const kindsOf = (value: Schema.Json, place: Place | undefined): ReadonlyArray<string> => {
  if (typeof value === "number") {
    const sign = value < 0 ? "a negative number" : value > 0 ? "a number" : "zero"
    const size = Math.abs(value) >= 1 ? "above one" : "below one"
    return [`${sign} ${size}`, Number.isInteger(value) ? "a whole number" : "a fraction"]
  }
  if (typeof value === "string") {
    if (place !== undefined && place.texts.size <= mostTexts) return [JSON.stringify(value)]
    return [value === "" ? "an empty text" : /^-\d/.test(value) ? "a negative text" : "a text"]
  }
  if (Array.isArray(value)) return [value.length === 0 ? "an empty list" : "a list"]
  if (!isObject(value)) return [String(value)]
  if (place === undefined || hasAnyKeys(place)) {
    return [Object.keys(value).length === 0 ? "an empty object" : "an object"]
  }
  const missing = [...place.fields.keys()].filter((name) => !Object.hasOwn(value, name))
  return ["an object", ...missing.map((name) => `without ${name}`)]
}

const mostTexts = 12
