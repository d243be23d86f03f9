/** What examples show of the JSON of a schema, so that a few of them show all of it. */
import type { Schema } from "effect"
import { isObject } from "./differences.ts"

/**
 * What JSON values show: at each place the kinds of values, which fields may be missing, and single values where there are
 * only a few.
 */
export const featuresOf = (all: ReadonlyArray<Schema.Json>): ((value: Schema.Json) => ReadonlySet<string>) => {
  const places = new Map<string, Place>()
  for (const value of all) visit(value, "", places, () => {})
  return (value) => {
    const found = new Set<string>()
    visit(value, "", places, (path, one) => {
      for (const feature of kindsOf(one, places.get(path))) found.add(`${path} ${feature}`)
    })
    return found
  }
}

/**
 * A few of some candidates that show what is not shown yet. Of those that show nearly as much, the first one is taken: the
 * candidates come in the order in which they please.
 */
export const chosen = <A>(
  candidates: ReadonlyArray<A>,
  featuresOf: (candidate: A) => ReadonlySet<string>,
  shown: ReadonlySet<string>,
  most: number
): ReadonlyArray<A> => {
  const known = new Set(shown)
  const all = candidates.map((candidate) => ({ candidate, features: featuresOf(candidate) }))
  const taken: Array<A> = []
  while (taken.length < most) {
    const gains = all.map(({ features }) => [...features].filter((feature) => !known.has(feature)).length)
    const best = Math.max(0, ...gains)
    if (best === 0) break
    const { candidate, features } = all[gains.findIndex((gain) => gain >= enough * best)]!
    taken.push(candidate)
    for (const feature of features) known.add(feature)
  }
  return taken
}

const enough = 0.7

/** How hard JSON is to read: its length, and characters that are neither letters, digits nor those of JSON. */
export const weightOf = (value: Schema.Json): number => {
  const text = JSON.stringify(value)
  return text.length + 20 * (text.match(/[^A-Za-z0-9{}[\]":,.-]/g)?.length ?? 0)
}

interface Place {
  /** The names of the fields of objects here. */
  readonly fields: Set<string>
  readonly texts: Set<string>
  count: number
}

const visit = (
  value: Schema.Json,
  path: string,
  places: Map<string, Place>,
  see: (path: string, value: Schema.Json) => void
): void => {
  const place = places.get(path) ?? { fields: new Set(), texts: new Set(), count: 0 }
  places.set(path, place)
  place.count++
  see(path, value)
  if (typeof value === "string") place.texts.add(value)
  if (Array.isArray(value))
    for (const each of value as ReadonlyArray<Schema.Json>) visit(each, `${path}[]`, places, see)
  if (!isObject(value)) return
  for (const [key, each] of Object.entries(value)) {
    place.fields.add(key)
    // An object with any keys, such as a record, has one place for all of them.
    visit(each, place.fields.size > mostFields ? `${path}[key]` : `${path}.${key}`, places, see)
  }
}

const kindsOf = (value: Schema.Json, place: Place | undefined): ReadonlyArray<string> => {
  if (typeof value === "number") {
    const sign = value < 0 ? "a negative number" : value > 0 ? "a number" : "zero"
    const size = Math.abs(value) >= 1 ? "above one" : "below one"
    return [`${sign} ${size}`, Number.isInteger(value) ? "a whole number" : "a fraction"]
  }
  if (typeof value === "string") {
    const isOneOfFew = place !== undefined && place.texts.size <= mostTexts && place.count >= 3 * place.texts.size
    if (isOneOfFew) return [JSON.stringify(value)]
    return [value === "" ? "an empty text" : /^-\d/.test(value) ? "a negative text" : "a text"]
  }
  if (Array.isArray(value)) return [value.length === 0 ? "an empty list" : "a list"]
  if (!isObject(value)) return [String(value)]
  const fields = place?.fields ?? new Set()
  if (fields.size > mostFields) return [Object.keys(value).length === 0 ? "an empty object" : "an object"]
  return ["an object", ...[...fields].filter((key) => !Object.hasOwn(value, key)).map((key) => `without ${key}`)]
}

const mostFields = 40
const mostTexts = 12
