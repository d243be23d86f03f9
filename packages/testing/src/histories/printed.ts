/** Values as the code that makes them, for a history that is pasted into a test. */
import { BigDecimal, DateTime, Duration, Option, Schema } from "effect"

/** What was thrown, with the reason that an error gives for it: that of a Schema has the path. */
export const thrownText = (thrown: unknown): string => {
  const cause: unknown = thrown instanceof Error ? thrown.cause : undefined
  if (cause === undefined || cause === null) return String(thrown)
  const reason = typeof cause === "object" && "message" in cause ? cause.message : cause
  return `${String(thrown)}: ${String(reason)}`
}

/** A value as code. Of an object without a code of its own the fields are shown. */
export const printed = (value: unknown): string => {
  switch (typeof value) {
    case "string":
      return JSON.stringify(value)
    case "bigint":
      return `${value}n`
    case "number":
      return Object.is(value, -0) ? "-0" : String(value)
    case "object":
      return value === null ? "null" : printedObject(value)
    default:
      return String(value)
  }
}

const printedObject = (value: object): string => {
  if (Array.isArray(value)) return `[${value.map(printed).join(", ")}]`
  const kind = kinds.find(({ is }) => is(value))
  if (kind !== undefined) return kind.code(value as never)
  const { constructor } = value
  if (Schema.isSchema(constructor)) return `new ${nameOf(constructor)}(${fieldsOf(value, ["_tag"])})`
  return fieldsOf(value, [])
}

// Classes are mostly named after what they describe.
const nameOf = (constructor: unknown): string => (constructor as { readonly name: string }).name

const fieldsOf = (value: object, without: ReadonlyArray<string>): string => {
  const fields = Object.entries(value).filter(([key]) => !without.includes(key))
  if (fields.length === 0) return without.length > 0 ? "" : "{}"
  return `{ ${fields.map(([key, each]) => `${isName(key) ? key : JSON.stringify(key)}: ${printed(each)}`).join(", ")} }`
}

const isName = (key: string): boolean => /^[A-Za-z_$][\w$]*$/.test(key)

interface Kind {
  readonly is: (value: object) => boolean
  readonly code: (value: never) => string
}

const kind = <A>(is: (value: unknown) => value is A, code: (value: A) => string): Kind => ({ is, code })

const instance =
  <A>(type: abstract new (...args: never) => A) =>
  (value: unknown): value is A =>
    value instanceof type

const kinds: ReadonlyArray<Kind> = [
  kind(
    instance(Date),
    (date) => `new Date(${Number.isNaN(date.getTime()) ? "NaN" : JSON.stringify(date.toISOString())})`
  ),
  kind(instance(Map), (map) => `new Map(${printed([...map])})`),
  kind(instance(Set), (set) => `new Set(${printed([...set])})`),
  kind(instance(Uint8Array), (bytes) => `new Uint8Array(${printed([...bytes])})`),
  kind(instance(URL), (url) => `new URL(${JSON.stringify(url.href)})`),
  kind(instance(RegExp), String),
  kind(Option.isOption, (option) =>
    Option.isNone(option) ? "Option.none()" : `Option.some(${printed(option.value)})`
  ),
  kind(DateTime.isDateTime, (time) => `DateTime.makeUnsafe(${JSON.stringify(DateTime.formatIso(time))})`),
  kind(Duration.isDuration, (duration) => `Duration.millis(${Duration.toMillis(duration)})`),
  kind(
    BigDecimal.isBigDecimal,
    (decimal) => `BigDecimal.fromStringUnsafe(${JSON.stringify(BigDecimal.format(decimal))})`
  )
]
