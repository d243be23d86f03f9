/** What values consist of, and values that nobody can change. */
import { DateTime, Duration, Equal, Option, Schema } from "effect"

/** Whether its fields are all that an object is: a plain one, or an instance of a Schema's class. */
export const isRecord = (value: unknown): value is object => {
  if (typeof value !== "object" || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null || Schema.isSchema(value.constructor)
}

/** The values in a value. What is neither a list, a record, a Map, a Set nor an Option has none. */
export const membersOf = (value: unknown): ReadonlyArray<unknown> => {
  if (Array.isArray(value)) return value
  if (Option.isOption(value)) return Option.isSome(value) ? [value.value] : []
  if (value instanceof Map) return [...value.keys(), ...value.values()]
  if (value instanceof Set) return [...value]
  return isRecord(value) ? Object.values(value) : []
}

/**
 * Freezes a value with all lists, records, Maps, Sets and Dates in it. Other objects keep caches, or cannot be frozen. What
 * somebody else has frozen may have members that are not: so each value is looked at once, whether it is frozen or not.
 */
export const frozen = <A>(value: A): A => {
  if (typeof value !== "object" || value === null || done.has(value)) return value
  const locks = methodsThatChange.find(({ of }) => value instanceof of)?.names
  if (locks === undefined && !Array.isArray(value) && !isRecord(value) && !Option.isOption(value)) return value
  done.add(value)
  if (!Option.isOption(value) && !Object.isFrozen(value)) {
    for (const name of locks ?? []) Object.defineProperty(value, name, { value: () => refuse(name) })
    Object.freeze(value)
  }
  for (const each of membersOf(value)) frozen(each)
  return value
}

const done = new WeakSet<object>()

// Nothing freezes what a Map, a Set or a Date keeps, but its methods can be replaced.
const methodsThatChange: ReadonlyArray<{ readonly of: abstract new () => object; readonly names: Iterable<string> }> = [
  { of: Map, names: ["set", "delete", "clear"] },
  { of: Set, names: ["add", "delete", "clear"] },
  { of: Date, names: Object.getOwnPropertyNames(Date.prototype).filter((name) => name.startsWith("set")) }
]

const refuse = (method: string): never => {
  throw new Mutation(`${method} would have changed an input`)
}

/** Whether nobody can change a value once it is frozen. Bytes and instances of other classes can be changed. */
export const canBeFrozen = (value: unknown): boolean => {
  if (typeof value !== "object" || value === null) return true
  if (value instanceof Date || fixed.has(value)) return true
  const isKnown = value instanceof Map || value instanceof Set || Array.isArray(value) || isRecord(value)
  if (isKnown || Option.isOption(value)) {
    const can = membersOf(value).every(canBeFrozen)
    if (can && done.has(value)) fixed.add(value)
    return can
  }
  // Effect's own values do not change.
  return DateTime.isDateTime(value) || Duration.isDuration(value) || Equal.isEqual(value)
}

// Frozen values of which nobody can change anything. A state is asked about for each command that it meets, and looking at its
// members each time was 8 % of the time that a law takes.
const fixed = new WeakSet<object>()

/** Says that a function has changed its input. */
export class Mutation extends Error {}

/** Whether an error says that an input was changed, or was to be changed. */
export const isMutation = (thrown: unknown): boolean =>
  thrown instanceof Mutation ||
  (thrown instanceof TypeError &&
    /read only|not extensible|Cannot delete property|Cannot redefine|frozen/i.test(thrown.message))
