/** Events and errors as failures show them. */
import { HashMap, HashSet, Redacted, Schema } from "effect"

/** Events as a failure shows them: each by its tag, those of a boundary by role. Roles without events are left out. */
export const recordedOf = (events: object): unknown => {
  // Of several streams the last ones may be left out, if they have no events.
  if (isList(events)) {
    const last = events.findLastIndex((event) => !isList(event) || event.length > 0)
    return events.slice(0, last + 1).map((event) => (isList(event) ? recordedOf(event) : byTag(event)))
  }
  const roles = Object.entries<ReadonlyArray<unknown>>({ ...events }).filter(([, each]) => each.flat().length > 0)
  return inOrder(Object.fromEntries(roles.map(([role, each]) => [role, recordedOf(each)])))
}

/** An error as a failure shows it. */
export const errorOf = (error: unknown): unknown => inOrder(plain(error))

// Of a class that is a schema the fields that it declares, because an error has others too.
const plain = (value: unknown): unknown => {
  if (typeof value !== "object" || value === null) return value
  const fields = fieldsOf(value.constructor)
  if (fields === undefined)
    return value instanceof Error ? { ...value, name: value.name, message: value.message } : value
  const of = value as Readonly<Record<string, unknown>>
  return Object.fromEntries(Object.keys(fields).map((name) => [name, of[name]]))
}

const fieldsOf = (schema: unknown): object | undefined =>
  Schema.isSchema(schema) && "fields" in schema ? (schema.fields as object) : undefined

const byTag = (event: unknown): unknown => {
  const shown = plain(event)
  if (typeof shown !== "object" || shown === null || !("_tag" in shown)) return inOrder(shown)
  const { _tag: tag, ...data } = shown
  return { [String(tag)]: inOrder(data) }
}

/**
 * The same value as JSON, with the keys of its objects, its maps and its sets in one order. What JSON lacks has a name, such
 * as `{ BigInt: "1" }`: values that differ have another JSON.
 */
export const inOrder = (value: unknown): unknown => {
  if (typeof value === "bigint") return { BigInt: String(value) }
  if (typeof value === "symbol") return { Symbol: String(value) }
  if (typeof value === "number") return Number.isFinite(value) ? value : { Number: String(value) }
  if (typeof value !== "object" || value === null) return value
  if (isList(value)) return value.map(inOrder)
  if (value instanceof Map) return { Map: sorted(value) }
  if (value instanceof Set) return { Set: sorted(value) }
  if (HashMap.isHashMap(value)) return { HashMap: sorted(value) }
  if (HashSet.isHashSet(value)) return { HashSet: sorted(value) }
  if (value instanceof Date) return { Date: Number.isNaN(value.getTime()) ? "Invalid Date" : value.toISOString() }
  if (value instanceof RegExp) return { RegExp: String(value) }
  if (Redacted.isRedacted(value)) return { Redacted: inOrder(Redacted.value(value)) }
  if (hasOwnJson(value)) return inOrder(value.toJSON())
  const entries = Object.entries(plain(value) as object).sort(([a], [b]) => (a < b ? -1 : 1))
  return Object.fromEntries(entries.map(([key, each]) => [key, inOrder(each)]))
}

const sorted = (members: Iterable<unknown>): ReadonlyArray<unknown> =>
  Array.from(members, inOrder)
    .map((member) => ({ member, text: JSON.stringify(member) }))
    .sort((a, b) => (a.text < b.text ? -1 : 1))
    .map(({ member }) => member)

const hasOwnJson = (value: object): value is { readonly toJSON: () => unknown } =>
  "toJSON" in value && typeof value.toJSON === "function" && fieldsOf(value.constructor) === undefined

const isList = (value: unknown): value is ReadonlyArray<unknown> => Array.isArray(value)
