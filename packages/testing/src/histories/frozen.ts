/** Frozen values: a function that changes one throws. */
import { Schema } from "effect"

/** Freezes a value with all plain objects, lists and instances of schema classes in it. Other objects keep caches. */
export const frozen = <A>(value: A): A => {
  if (isOpen(value) && !Object.isFrozen(value)) {
    Object.freeze(value)
    for (const each of Object.values(value)) frozen(each)
  }
  return value
}

// An object whose fields are all that it is.
const isOpen = (value: unknown): value is object => {
  if (typeof value !== "object" || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null || Array.isArray(value) || isInstance(value)
}

const isInstance = (value: object): boolean => Schema.isSchema(value.constructor)

/** Whether an error says that a frozen value was to be changed. */
export const isMutation = (thrown: unknown): boolean =>
  thrown instanceof TypeError &&
  /read only|not extensible|Cannot delete property|Cannot redefine|frozen/i.test(thrown.message)
