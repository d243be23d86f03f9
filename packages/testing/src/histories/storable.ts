import { Arbitrary, Schema } from "effect"
import { isRecord, membersOf } from "./frozen.ts"

/** The same values, with the characters that no store takes replaced in their texts. */
export const storable = <A>(
  arbitrary: Arbitrary.Arbitrary<A>,
  schema: Schema.Codec<A, unknown>
): Arbitrary.Arbitrary<A> => {
  const is = Schema.is(schema)
  return Arbitrary.map(arbitrary, (value) => {
    if (isStorable(value)) return value
    const cleaned = cleanedOf(value)
    return is(cleaned) ? cleaned : value
  })
}

/** Whether no text of a value has NUL or half a surrogate pair. */
export const isStorable = (value: unknown): boolean => {
  if (typeof value === "string") return isClean(value)
  if (isRecord(value) && !Object.keys(value).every(isClean)) return false
  return membersOf(value).every(isStorable)
}

const isClean = (text: string): boolean => !text.includes("\0") && text.isWellFormed()

const clean = (text: string): string => text.toWellFormed().replaceAll("\0", "0")

const cleanedOf = <A>(value: A): A => {
  if (typeof value === "string") return clean(value) as A & string
  if (Array.isArray(value)) return value.map(cleanedOf) as A
  if (!isRecord(value)) return value
  const prototype: unknown = Object.getPrototypeOf(value)
  const entries = Object.entries(value).map(([key, each]) => [clean(key), cleanedOf(each)] as const)
  if (prototype === Object.prototype || prototype === null) return Object.fromEntries(entries) as A
  const { constructor } = value
  if (!Schema.isSchema(constructor)) return value
  try {
    return (constructor as unknown as Schema.Codec<A>).make(Object.fromEntries(entries))
  } catch {
    // Another text does not pass the checks of the class: the value stays as it was generated.
    return value
  }
}
