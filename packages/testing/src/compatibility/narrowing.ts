/**
 * What a JSON Schema refuses, or does not read, that another one allowed: the fields where stored JSON may not fit any
 * more. It knows the keywords that Effect writes. What no keyword says, such as a check of somebody's own, only examples
 * can show.
 */
import type { Schema } from "effect"
import { isObject, shown } from "./differences.ts"
import { bound, bounds, type Conjuncts, conjunctsOf, type Node, typesOf, valuesOf } from "./keywords.ts"

/** A place where the later schema is narrower. */
export interface Narrowing {
  /** The path of the field; empty for the whole. */
  readonly path: string
  /** `lost`: it is not read any more. `required`: it must be there now. `narrower`: fewer values fit. */
  readonly kind: "lost" | "required" | "narrower"
  /** What has changed, in words that begin with the field. */
  readonly what: string
}

/** The places where the schema `after` is narrower than `before`. Each is a document of its own. */
export const narrowings = (before: Schema.JsonObject, after: Schema.JsonObject): ReadonlyArray<Narrowing> => {
  const seen = new Set<string>()

  const compare = (one: Node, other: Node, path: string): ReadonlyArray<Narrowing> => {
    // A schema may contain itself.
    const pair = JSON.stringify([one, other])
    if (seen.has(pair)) return []
    seen.add(pair)
    const found = compareConjuncts(conjunctsOf(one, before), other, path)
    seen.delete(pair)
    return found
  }

  const compareConjuncts = (one: Conjuncts, other: Node, path: string): ReadonlyArray<Narrowing> => {
    const place = one.findIndex((each) => each["anyOf"] !== undefined || each["oneOf"] !== undefined)
    if (place >= 0) {
      const { anyOf, oneOf, ...rest } = one[place]!
      const members = (anyOf ?? oneOf) as ReadonlyArray<Node>
      // Each value that fitted one of the members must fit.
      return members.flatMap((member) =>
        compareConjuncts([...one.with(place, rest), ...conjunctsOf(member, before)], other, path)
      )
    }
    const [fields, others] = [fieldsOf(one), conjunctsOf(other, after)]
    return [...lost(one, fields, others, path), ...others.flatMap((each) => refused(one, fields, each, path))]
  }

  // Fields that no part of the later schema reads.
  const lost = (one: Conjuncts, fields: Fields, others: Conjuncts, path: string): ReadonlyArray<Narrowing> => {
    const isKnown = (name: string) =>
      !others.some((each) => typesOf([each])?.includes("object") === true) ||
      others.some(
        (each) =>
          each["anyOf"] !== undefined ||
          each["oneOf"] !== undefined ||
          (isObject(each["properties"]) && Object.hasOwn(each["properties"], name)) ||
          isObject(each["additionalProperties"]) ||
          isObject(each["patternProperties"])
      )
    // Where an object cannot be any more, it says more to say that.
    if (typesOf(one)?.includes("object") === true && !others.every((each) => fits(each, "object"))) return []
    return [...fields.keys()]
      .filter((name) => !isKnown(name))
      .map((name) => ({
        path: at(path, name),
        kind: "lost",
        what: `the field "${at(path, name)}" is not read any more`
      }))
  }

  const refused = (
    one: Conjuncts,
    fields: Fields,
    other: Schema.JsonObject,
    path: string
  ): ReadonlyArray<Narrowing> => {
    const field = path === "" ? "the whole" : `the field "${path}"`
    const narrower = (what: string): Narrowing => ({ path, kind: "narrower", what: `${field} ${what}` })
    const { anyOf, oneOf, ...rest } = other
    const members = (anyOf ?? oneOf) as ReadonlyArray<Node> | undefined
    if (members !== undefined) {
      const all = members.map((member) => compareConjuncts(one, member, path))
      const nearest = all.reduce((a, b) => (b.length < a.length ? b : a), all[0] ?? [])
      return [...nearest, ...refused(one, fields, rest, path)]
    }
    const values = valuesOf(one)
    if (values !== undefined) {
      const gone = values.filter((value) => !takesValue(other, value))
      return gone.length === 0 ? [] : [narrower(`may not be ${gone.map(shown).join(" or ")} any more`)]
    }
    const types = typesOf(one)
    const wrong = types?.filter((type) => !fits(other, type)) ?? []
    if (wrong.length > 0) return [narrower(`was ${words(types!)} and is ${words(typesOf([other]) ?? [])} now`)]
    if (types === undefined && !isAny(other)) {
      // Nothing is known of what was allowed.
      return typesOf([other]) === undefined ? [] : [narrower(`was anything and is ${words(typesOf([other])!)} now`)]
    }
    const only = valuesOf([other])
    if (only !== undefined) return [narrower(`must be ${only.map(shown).join(" or ")} now`)]
    const limited = limits(one, other)
    const ofIt = limited.length === 0 ? [] : [narrower(`${limited.join(", ")} now`)]
    return [...ofIt, ...ofMembers(one, fields, other, path)]
  }

  const ofMembers = (
    one: Conjuncts,
    fields: Fields,
    other: Schema.JsonObject,
    path: string
  ): ReadonlyArray<Narrowing> => {
    const found: Array<Narrowing> = []
    const properties = isObject(other["properties"]) ? other["properties"] : {}
    const rest = other["additionalProperties"]
    const restBefore = one.map((each) => each["additionalProperties"]).find(isObject)
    const required = new Set(one.flatMap((each) => each["required"] ?? []))
    for (const name of (other["required"] ?? []) as ReadonlyArray<string>) {
      const what = `the field "${at(path, name)}" is required now`
      if (!required.has(name)) found.push({ path: at(path, name), kind: "required", what })
    }
    for (const [name, member] of fields) {
      const later = Object.hasOwn(properties, name) ? properties[name] : isObject(rest) ? rest : undefined
      if (later !== undefined) found.push(...compare(member, later as Node, at(path, name)))
    }
    if (restBefore !== undefined) {
      for (const [name, later] of Object.entries(properties)) {
        if (!fields.has(name)) found.push(...compare(restBefore, later as Node, at(path, name)))
      }
      if (isObject(rest)) found.push(...compare(restBefore, rest, `${path}[key]`))
    }
    for (const [pattern, later] of Object.entries(
      isObject(other["patternProperties"]) ? other["patternProperties"] : {}
    )) {
      const former = one.map((each) => each["patternProperties"]).find(isObject)?.[pattern] ?? restBefore
      if (former !== undefined) found.push(...compare(former as Node, later as Node, `${path}[key]`))
    }
    const elements = one.flatMap((each) => (each["prefixItems"] ?? []) as ReadonlyArray<Node>)
    const elementsNow = (other["prefixItems"] ?? []) as ReadonlyArray<Node>
    const itemsNow = other["items"] as Node | undefined
    for (const [i, element] of elements.entries()) {
      const later = elementsNow[i] ?? itemsNow
      if (later !== undefined) found.push(...compare(element, later, `${path}[${i}]`))
    }
    const items = one.map((each) => each["items"] as Node | undefined).find((each) => each !== undefined)
    if (items !== undefined && items !== false) {
      for (const later of elementsNow.slice(elements.length)) found.push(...compare(items, later, `${path}[]`))
      if (itemsNow !== undefined) found.push(...compare(items, itemsNow, `${path}[]`))
    }
    return found
  }

  return distinct(compare(before, after, ""))
}

type Fields = ReadonlyMap<string, Node>

// The first one says most: a number that must be whole cannot be "NaN" any more either.
const distinct = (all: ReadonlyArray<Narrowing>): ReadonlyArray<Narrowing> =>
  [...Map.groupBy(all, ({ kind, path }) => `${kind} ${path}`).values()].map(([first]) => first!)

const at = (path: string, name: string): string => (path === "" ? name : `${path}.${name}`)

const fieldsOf = (conjuncts: Conjuncts): Fields =>
  new Map(conjuncts.flatMap(({ properties }) => (isObject(properties) ? Object.entries(properties) : [])) as never)

const isAny = (schema: Schema.JsonObject): boolean =>
  typesOf([schema]) === undefined && valuesOf([schema]) === undefined && schema["not"] === undefined

const fits = (schema: Schema.JsonObject, type: string): boolean => {
  if (isObject(schema["not"]) && Object.keys(schema["not"]).length === 0) return false
  const types = typesOf([schema])
  return types === undefined || types.includes(type) || (type === "integer" && types.includes("number"))
}

const takesValue = (schema: Schema.JsonObject, value: Schema.Json): boolean => {
  const allowed = valuesOf([schema])
  if (allowed !== undefined) return allowed.includes(value)
  if (!fits(schema, typeOf(value))) return false
  if (typeof value !== "string" && typeof value !== "number") return true
  // The value itself is what was allowed, as the limits that it has.
  const limit = typeof value === "number" ? value : [...value].length
  const [least, most] = typeof value === "number" ? ["minimum", "maximum"] : ["minLength", "maxLength"]
  const { pattern, ...rest } = schema
  const isMatch = typeof value !== "string" || typeof pattern !== "string" || new RegExp(pattern, "u").test(value)
  return isMatch && limits([{ [least!]: limit, [most!]: limit, multipleOf: limit }], rest).length === 0
}

const typeOf = (value: Schema.Json): string =>
  value === null ? "null" : Array.isArray(value) ? "array" : Number.isInteger(value) ? "integer" : typeof value

const limits = (one: Conjuncts, other: Schema.JsonObject): ReadonlyArray<string> => {
  const found = bounds.flatMap(({ words, ...of }) => {
    const [before, after] = [bound(one, of), bound([other], of)]
    return after === undefined || (before !== undefined && !of.isTighter(after, before)) ? [] : [words(after)]
  })
  const pattern = other["pattern"]
  if (pattern !== undefined && !one.some((each) => each["pattern"] === pattern)) {
    found.push(`must match ${shown(pattern)}`)
  }
  const divisor = other["multipleOf"]
  if (typeof divisor === "number") {
    const isMultiple = one.some(({ multipleOf }) => typeof multipleOf === "number" && multipleOf % divisor === 0)
    if (!isMultiple) found.push(`must be a multiple of ${divisor}`)
  }
  if (other["uniqueItems"] === true && !one.some((each) => each["uniqueItems"] === true)) {
    found.push("must not have an element twice")
  }
  return found
}

const names: Readonly<Record<string, string>> = {
  string: "a text",
  number: "a number",
  integer: "a whole number",
  boolean: "true or false",
  null: "null",
  array: "a list",
  object: "an object"
}

const words = (types: ReadonlyArray<string>): string =>
  types.length === 0 ? "something else" : types.map((type) => names[type] ?? type).join(" or ")
