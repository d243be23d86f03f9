/** Events and errors as failures show them. */
import { Schema } from "effect"

/** Events as a failure shows them: each by its tag, those of a boundary by role. Roles without events are left out. */
export const recordedOf = (events: object): unknown => {
  if (isList(events)) return events.map((event) => (isList(event) ? recordedOf(event) : byTag(event)))
  const roles = Object.entries<ReadonlyArray<unknown>>({ ...events }).filter(([, each]) => each.flat().length > 0)
  return inOrder(Object.fromEntries(roles.map(([role, each]) => [role, recordedOf(each)])))
}

/** An error as a failure shows it. */
export const errorOf = (error: unknown): unknown => inOrder(plain(error))

// A value of a class that is a schema as JSON.
const plain = (value: unknown): unknown => {
  if (typeof value !== "object" || value === null) return value
  const { constructor } = value
  return isCodec(constructor) ? Schema.encodeUnknownSync(Schema.toCodecJson(constructor))(value) : { ...value }
}

const isCodec = (value: unknown): value is Schema.Codec<unknown, unknown> => Schema.isSchema(value)

const byTag = (event: unknown): unknown => {
  const shown = plain(event)
  if (typeof shown !== "object" || shown === null || !("_tag" in shown)) return shown
  const { _tag: tag, ...data } = shown
  return { [String(tag)]: inOrder(data) }
}

/** The same value with the keys of its objects in one order. Maps and sets are shown with what they hold. */
export const inOrder = (value: unknown): unknown => {
  if (isList(value)) return value.map(inOrder)
  if (value instanceof Map) return { Map: Array.from(value, (entry) => inOrder([...entry])) }
  if (value instanceof Set) return { Set: Array.from(value, inOrder) }
  if (typeof value !== "object" || value === null || "toJSON" in value) return value
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return Object.fromEntries(entries.map(([key, each]) => [key, inOrder(each)]))
}

const isList = (value: unknown): value is ReadonlyArray<unknown> => Array.isArray(value)
