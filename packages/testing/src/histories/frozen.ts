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

/** Freezes a value with all lists and records in it. Other objects keep caches, or cannot be frozen. */
export const frozen = <A>(value: A): A => {
  if ((Array.isArray(value) || isRecord(value)) && !Object.isFrozen(value)) Object.freeze(value)
  else if (!Option.isOption(value)) return value
  for (const each of membersOf(value)) frozen(each)
  return value
}

/** Whether nobody can change a value once it is frozen. A Map, a Set and a Date can be changed. */
export const canBeFrozen = (value: unknown): boolean => {
  if (typeof value !== "object" || value === null) return true
  if (Array.isArray(value) || isRecord(value) || Option.isOption(value)) return membersOf(value).every(canBeFrozen)
  // Effect's own values do not change.
  return DateTime.isDateTime(value) || Duration.isDuration(value) || Equal.isEqual(value)
}

/** Says that a function has changed its input. */
export class Mutation extends Error {}

/** Whether an error says that an input was changed, or was to be changed. */
export const isMutation = (thrown: unknown): boolean =>
  thrown instanceof Mutation ||
  (thrown instanceof TypeError &&
    /read only|not extensible|Cannot delete property|Cannot redefine|frozen/i.test(thrown.message))
