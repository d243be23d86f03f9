/** Values as the code that makes them, for a history that is pasted into a test. */
import {
  BigDecimal,
  Cause,
  Chunk,
  DateTime,
  Duration,
  Exit,
  HashMap,
  HashSet,
  Option,
  Redacted,
  Result,
  Schema
} from "effect"
import { isRecord } from "./frozen.ts"

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
    case "symbol":
      return Symbol.keyFor(value) === undefined
        ? `Symbol(${JSON.stringify(value.description ?? "")})`
        : `Symbol.for(${JSON.stringify(Symbol.keyFor(value))})`
    case "object":
      return value === null ? "null" : printedObject(value)
    default:
      return String(value)
  }
}

const printedObject = (value: object): string => {
  if (Array.isArray(value)) return listOf(value)
  const kind = kinds.find(({ is }) => is(value))
  if (kind !== undefined) return kind.code(value as never)
  const { constructor } = value
  if (Schema.isSchema(constructor)) return `new ${nameOf(constructor)}(${argumentOf(constructor, value)})`
  return isRecord(value) ? fieldsOf(value) : foreign(value)
}

const listOf = (values: Iterable<unknown>): string => `[${Array.from(values, printed).join(", ")}]`

// An object of another kind may hold itself.
const foreign = (value: object): string => {
  if (around.has(value)) return "{ /* itself */ }"
  around.add(value)
  try {
    return fieldsOf(value)
  } finally {
    around.delete(value)
  }
}

const around = new Set<object>()

// Classes are mostly named after what they describe.
const nameOf = (constructor: unknown): string => (constructor as { readonly name: string }).name

// A tagged class adds the tag.
const argumentOf = (constructor: unknown, value: object): string => {
  const { _tag, ...fields } = declaredOf(constructor, value)
  if (_tag === undefined) return fieldsOf(fields)
  if (!makes(constructor, fields)) return fieldsOf({ _tag, ...fields })
  return Object.keys(fields).length === 0 ? "" : fieldsOf(fields)
}

// An error does not list its message.
const declaredOf = (constructor: unknown, value: object): Readonly<Record<string, unknown>> => {
  const { fields } = constructor as { readonly fields?: object }
  const names = fields === undefined ? Object.keys(value) : Object.keys(fields).filter((name) => name in value)
  return Object.fromEntries(names.map((name) => [name, (value as Readonly<Record<string, unknown>>)[name]]))
}

const makes = (constructor: unknown, fields: object): boolean => {
  try {
    return Reflect.construct(constructor as new (fields: object) => object, [fields]) !== undefined
  } catch {
    // A class that wants to be told its tag.
    return false
  }
}

const fieldsOf = (value: object): string => {
  const fields = Object.entries(value)
  return fields.length === 0 ? "{}" : `{ ${fields.map(([key, each]) => `${keyOf(key)}: ${printed(each)}`).join(", ")} }`
}

// In code, a key `__proto__` is no key.
const keyOf = (key: string): string => (key === "__proto__" ? '["__proto__"]' : isName(key) ? key : JSON.stringify(key))

const isName = (key: string): boolean => /^[A-Za-z_$][\w$]*$/.test(key)

interface Kind {
  readonly is: (value: object) => boolean
  readonly code: (value: never) => string
}

const causeOf = ({ reasons }: Cause.Cause<unknown>): string => {
  const [first, ...others] = reasons.map(reasonOf)
  if (first === undefined) return "Cause.empty"
  return others.reduce((all, each) => `Cause.combine(${all}, ${each})`, first)
}

const reasonOf = (reason: Cause.Reason<unknown>): string => {
  if (Cause.isFailReason(reason)) return `Cause.fail(${printed(reason.error)})`
  return Cause.isDieReason(reason) ? `Cause.die(${printed(reason.defect)})` : `Cause.interrupt(${reason.fiberId ?? ""})`
}

const kind = <A>(is: (value: unknown) => value is A, code: (value: A) => string): Kind => ({ is, code })

const instance =
  <A>(type: abstract new (...args: never) => A) =>
  (value: unknown): value is A =>
    value instanceof type

// An error without fields of its own, such as `TypeError`: its message does not count among its fields.
const isPlainError = (value: unknown): value is Error =>
  value instanceof Error && Object.keys(value).length === 0 && !Schema.isSchema(value.constructor)

const kinds: ReadonlyArray<Kind> = [
  kind(
    instance(Date),
    (date) => `new Date(${Number.isNaN(date.getTime()) ? "NaN" : JSON.stringify(date.toISOString())})`
  ),
  kind(instance(Map), (map) => `new Map(${listOf(map)})`),
  kind(instance(Set), (set) => `new Set(${listOf(set)})`),
  kind(instance(Uint8Array), (bytes) => `new Uint8Array(${listOf(bytes)})`),
  kind(instance(URL), (url) => `new URL(${JSON.stringify(url.href)})`),
  kind(instance(RegExp), String),
  kind(isPlainError, (error) => `new ${nameOf(error.constructor)}(${JSON.stringify(error.message)})`),
  kind(Option.isOption, (option) =>
    Option.isNone(option) ? "Option.none()" : `Option.some(${printed(option.value)})`
  ),
  kind(Result.isResult, (result) =>
    Result.isFailure(result) ? `Result.fail(${printed(result.failure)})` : `Result.succeed(${printed(result.success)})`
  ),
  kind(Exit.isExit, (exit) =>
    Exit.isFailure(exit) ? `Exit.failCause(${causeOf(exit.cause)})` : `Exit.succeed(${printed(exit.value)})`
  ),
  kind(Cause.isCause, (cause) => causeOf(cause)),
  kind(HashMap.isHashMap, (map) => `HashMap.fromIterable(${listOf(map)})`),
  kind(HashSet.isHashSet, (set) => `HashSet.fromIterable(${listOf(set)})`),
  kind(Chunk.isChunk, (chunk) => `Chunk.fromIterable(${listOf(chunk)})`),
  kind(Redacted.isRedacted, (secret) => `Redacted.make(${printed(Redacted.value(secret))})`),
  kind(DateTime.isDateTime, (time) => {
    const iso = JSON.stringify(DateTime.formatIso(time))
    if (DateTime.isUtc(time)) return `DateTime.makeUnsafe(${iso})`
    const zone = time.zone._tag === "Named" ? JSON.stringify(time.zone.id) : time.zone.offset
    return `DateTime.makeZonedUnsafe(${iso}, { timeZone: ${zone} })`
  }),
  kind(Duration.isDuration, (duration) =>
    Option.match(Duration.toNanos(duration), {
      onNone: () => `Duration.millis(${Duration.toMillis(duration)})`,
      onSome: (nanos) =>
        nanos % 1_000_000n === 0n ? `Duration.millis(${nanos / 1_000_000n})` : `Duration.nanos(${nanos}n)`
    })
  ),
  kind(
    BigDecimal.isBigDecimal,
    (decimal) => `BigDecimal.fromStringUnsafe(${JSON.stringify(BigDecimal.format(decimal))})`
  )
]
