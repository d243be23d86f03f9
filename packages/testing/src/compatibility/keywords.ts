/** The keywords of JSON Schemas, as far as Effect writes them. */
import type { Schema } from "effect"
import { isObject } from "./differences.ts"

/** A JSON Schema, or a part of one. */
export type Node = Schema.JsonObject | boolean

/** Schemas all of which a value must fit. They have neither references nor an `allOf`. */
export type Conjuncts = ReadonlyArray<Schema.JsonObject>

/** The schemas that a schema is made of. What it refers to stands in the `$defs` of the document. */
export const conjunctsOf = (
  node: Node,
  document: Schema.JsonObject,
  within: ReadonlySet<string> = new Set()
): Conjuncts => {
  if (typeof node === "boolean") return node ? [] : [never]
  const { $defs: _, $ref, allOf, ...own } = node
  const others = ((allOf ?? []) as ReadonlyArray<Node>).flatMap((each) => conjunctsOf(each, document, within))
  const name = typeof $ref === "string" ? nameOf($ref) : undefined
  if (name === undefined) return Object.keys(own).length === 0 ? others : [own, ...others]
  const definitions = isObject(document["$defs"]) ? document["$defs"] : {}
  const target = within.has(name) ? undefined : definitions[name]
  const referred = target === undefined ? [] : conjunctsOf(target as Node, document, new Set([...within, name]))
  return [...referred, ...(Object.keys(own).length === 0 ? [] : [own]), ...others]
}

const never: Schema.JsonObject = { not: {} }

const nameOf = (ref: string): string | undefined =>
  ref.startsWith("#/$defs/")
    ? decodeURIComponent(ref.slice("#/$defs/".length)).replaceAll("~1", "/").replaceAll("~0", "~")
    : undefined

/** The types that are allowed; undefined if any is. */
export const typesOf = (conjuncts: Conjuncts): ReadonlyArray<string> | undefined => {
  const all = conjuncts.flatMap(({ not, type }): ReadonlyArray<ReadonlyArray<string>> => {
    if (type !== undefined) return [[type].flat() as ReadonlyArray<string>]
    // Effect writes a struct without fields as what is not null.
    return isObject(not) && not["type"] === "null" ? [["object"]] : []
  })
  // Of a number and a whole number only the whole number fits both.
  return all.length === 0 ? undefined : (all.find((types) => types.includes("integer")) ?? all[0])
}

/** The only values that are allowed; undefined if there are others. */
export const valuesOf = (conjuncts: Conjuncts): ReadonlyArray<Schema.Json> | undefined => {
  for (const each of conjuncts) {
    if (Object.hasOwn(each, "const")) return [each["const"]!]
    if (Array.isArray(each["enum"])) return each["enum"]
  }
  return undefined
}

interface Bound {
  readonly keyword: string
  /** The keyword whose limit is not allowed itself. */
  readonly exclusive?: string
  readonly isTighter: (one: Limit, other: Limit) => boolean
}

interface Limit {
  readonly limit: number
  readonly isExclusive: boolean
}

const above = (one: Limit, other: Limit): boolean =>
  one.limit > other.limit || (one.limit === other.limit && one.isExclusive && !other.isExclusive)

const below = (one: Limit, other: Limit): boolean =>
  one.limit < other.limit || (one.limit === other.limit && one.isExclusive && !other.isExclusive)

/** All limits that a value may have. */
export const bounds: ReadonlyArray<Bound & { readonly words: (limit: Limit) => string }> = [
  {
    keyword: "minimum",
    exclusive: "exclusiveMinimum",
    isTighter: above,
    words: ({ isExclusive, limit }) => (isExclusive ? `must be more than ${limit}` : `must be at least ${limit}`)
  },
  {
    keyword: "maximum",
    exclusive: "exclusiveMaximum",
    isTighter: below,
    words: ({ isExclusive, limit }) => (isExclusive ? `must be less than ${limit}` : `must be at most ${limit}`)
  },
  { keyword: "minLength", isTighter: above, words: ({ limit }) => `must have at least ${limit} characters` },
  { keyword: "maxLength", isTighter: below, words: ({ limit }) => `must have at most ${limit} characters` },
  { keyword: "minItems", isTighter: above, words: ({ limit }) => `must have at least ${limit} elements` },
  { keyword: "maxItems", isTighter: below, words: ({ limit }) => `must have at most ${limit} elements` },
  { keyword: "minProperties", isTighter: above, words: ({ limit }) => `must have at least ${limit} fields` },
  { keyword: "maxProperties", isTighter: below, words: ({ limit }) => `must have at most ${limit} fields` }
]

/** The tightest of a kind of limit. */
export const bound = (conjuncts: Conjuncts, { exclusive, isTighter, keyword }: Bound): Limit | undefined => {
  const limits = conjuncts.flatMap((each) =>
    [keyword, ...(exclusive === undefined ? [] : [exclusive])].flatMap((name): ReadonlyArray<Limit> => {
      const limit = each[name]
      return typeof limit === "number" ? [{ limit, isExclusive: name === exclusive }] : []
    })
  )
  return limits.reduce<Limit | undefined>(
    (one, other) => (one === undefined || isTighter(other, one) ? other : one),
    undefined
  )
}
