import * as Equal from "effect/Equal"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaAST from "effect/SchemaAST"
import { isClass } from "../../domain/jsonMeaning.ts"
import * as encoder from "../../internal/encoder.ts"

/**
 * Compares a value with what its JSON is read back as: the place and the kinds of
 * the first difference, or undefined if the value keeps its meaning. It does if
 * the JSON decodes to an equal value, and that value has the same JSON again.
 * A key that the schema does not declare carries no meaning.
 */
export const make = <A>(schema: Schema.Codec<A, unknown>): ((value: A, json: Schema.Json) => string | undefined) => {
  const codec = Schema.toCodecJson(schema)
  const decode = Schema.decodeUnknownResult(codec)
  const encode = Schema.encodeResult(codec)
  const instance = encoder.instance(schema)
  return (value, json) => {
    const decoded = decode(json)
    if (Result.isFailure(decoded)) return "it could not be read back: " + decoded.failure.message
    const changed = changedAt([schema.ast], value, decoded.success, "", [])
    if (changed !== undefined) {
      // The encoder has made instances of plain objects if the value itself does not encode.
      const made = Result.isFailure(encode(value)) ? instance(value) : undefined
      if (made === undefined || Result.isFailure(made)) return changed
      const still = changedAt([schema.ast], made.success, decoded.success, "", [])
      if (still !== undefined) return still
    }
    const again = encode(decoded.success)
    if (Result.isFailure(again)) return "it could not be written again after it was read back: " + again.failure.message
    return changedAt([], json, again.success, "", [])
  }
}

type Types = ReadonlyArray<SchemaAST.AST>

// `types` are all that the schema may have at this place; `above` are the objects that contain this one.
const changedAt = (
  types: Types,
  before: unknown,
  after: unknown,
  path: string,
  above: ReadonlyArray<unknown>
): string | undefined => {
  const [kind, other] = [kindOf(before), kindOf(after)]
  if (kind !== other) return `${nameOf(path)} is ${kind} and would be read back as ${other}`
  if (typeof before !== "object" || before === null || typeof after !== "object" || after === null) {
    return Object.is(before, after) || (before === 0 && after === 0) ? undefined : differs(path, kind)
  }
  if (above.includes(before)) return undefined
  const members = types.length === 0 ? types : flat(types)
  const within = [...above, before]
  if (Array.isArray(before) && Array.isArray(after)) return changedIn(members, before, after, path, within)
  if (Option.isOption(before) && Option.isOption(after)) {
    if (before._tag !== after._tag) return `${nameOf(path)} is ${before._tag} and would be read back as ${after._tag}`
    if (Option.isNone(before) || Option.isNone(after)) return undefined
    return changedAt(members.flatMap(parametersOf), before.value, after.value, path, within)
  }
  const leaf = builtIn.find(({ type }) => before instanceof type)
  if (leaf !== undefined)
    return leaf.text(before as never) === leaf.text(after as never) ? undefined : differs(path, kind)
  if (isIterable(before) && isIterable(after)) {
    // The members of a set or of a map may come in another order.
    if (Equal.equals(before, after)) return undefined
    const entries = members.flatMap(parametersOf)
    return changedIn(entries.length > 1 ? [] : entries, [...before], [...after], path, within, entries)
  }
  const objects = members.flatMap(objectOf)
  if (objects.length === 0 && Equal.isEqual(before))
    return Equal.equals(before, after) ? undefined : differs(path, kind)
  return changedKeys(objects, members.some(isOpen), before, after, path, within)
}

const changedIn = (
  members: Types,
  before: ReadonlyArray<unknown>,
  after: ReadonlyArray<unknown>,
  path: string,
  within: ReadonlyArray<unknown>,
  any?: Types
): string | undefined => {
  if (before.length !== after.length) {
    return `${nameOf(path)} has ${before.length} members and would be read back with ${after.length}`
  }
  for (let i = 0; i < before.length; i++) {
    const types = any ?? members.flatMap((each) => (SchemaAST.isArrays(each) ? (each.elements[i] ?? each.rest) : []))
    const changed = changedAt(types, before[i], after[i], `${path}[${i}]`, within)
    if (changed !== undefined) return changed
  }
  return undefined
}

const changedKeys = (
  objects: ReadonlyArray<SchemaAST.Objects>,
  mayHaveAny: boolean,
  before: object,
  after: object,
  path: string,
  within: ReadonlyArray<unknown>
): string | undefined => {
  const [from, to] = [classOf(before), classOf(after)]
  if (from !== to) return `${nameOf(path)} is ${instanceOf(from)} and would be read back as ${instanceOf(to)}`
  const [given, read] = [before as Readonly<Record<string, unknown>>, after as Readonly<Record<string, unknown>>]
  for (const key of Object.keys(given)) {
    const place = `${path}.${key.slice(0, 100)}`
    if (Object.hasOwn(read, key)) {
      const types = objects.flatMap((each) => typesAt(each, key))
      const changed = changedAt(types, given[key], read[key], place, within)
      if (changed !== undefined) return changed
    } else if (given[key] !== undefined && (mayHaveAny || isDeclared(objects, key))) {
      return `${place} is ${kindOf(given[key])} and would be lost`
    }
  }
  for (const key of Object.keys(read)) {
    if (Object.hasOwn(given, key) || read[key] === undefined) continue
    return `${path}.${key.slice(0, 100)} is missing and would be read back as ${kindOf(read[key])}`
  }
  return undefined
}

// What is not declared is surplus, unless anything may be there.
const isDeclared = (objects: ReadonlyArray<SchemaAST.Objects>, key: string): boolean =>
  objects.length === 0 || objects.some((each) => typesAt(each, key).length > 0)

// Whether it may be any object: JSON, or what is not known.
const isOpen = (ast: SchemaAST.AST): boolean =>
  SchemaAST.isUnknown(ast) ||
  SchemaAST.isAny(ast) ||
  SchemaAST.isObjectKeyword(ast) ||
  (SchemaAST.isDeclaration(ast) && ast.annotations?.["toCodec"] === undefined)

const typesAt = (object: SchemaAST.Objects, key: string): Types => {
  const own = object.propertySignatures.filter(({ name }) => name === key).map(({ type }) => type)
  return own.length > 0 ? own : object.indexSignatures.map(({ type }) => type)
}

// The members of unions, without the names that stand for schemas.
const flat = (types: Types): Types => {
  const members = new Set<SchemaAST.AST>()
  const add = (each: SchemaAST.AST): void => {
    if (members.has(each)) return
    if (SchemaAST.isUnion(each)) each.types.forEach(add)
    else if (SchemaAST.isSuspend(each) && members.size < mostMembers) add(each.thunk())
    else members.add(each)
  }
  types.forEach(add)
  return [...members]
}

const mostMembers = 1_000

const parametersOf = (ast: SchemaAST.AST): Types => (SchemaAST.isDeclaration(ast) ? ast.typeParameters : [])

// The fields of an object, or of the class of an instance.
const objectOf = (ast: SchemaAST.AST): ReadonlyArray<SchemaAST.Objects> =>
  SchemaAST.isObjects(ast) ? [ast] : isClass(ast) ? parametersOf(ast).filter(SchemaAST.isObjects) : []

const nameOf = (path: string): string => (path === "" ? "the value" : path)

const differs = (path: string, kind: string): string =>
  `${nameOf(path)} is ${kind} and would be read back as another one`

const isIterable = (value: object): value is Iterable<unknown> => Symbol.iterator in value

const classOf = (value: object): object | undefined => {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null ? undefined : (prototype as object)
}

const instanceOf = (prototype: object | undefined): string =>
  prototype === undefined ? "a plain object" : `an instance of ${prototype.constructor.name.slice(0, 100)}`

const kindOf = (value: unknown): string => {
  if (value === undefined || value === null) return String(value)
  if (typeof value !== "object") return `a ${typeof value}`
  if (Array.isArray(value)) return "a list"
  if (Option.isOption(value)) return "an Option"
  return (
    builtIn.find(({ type }) => value instanceof type)?.kind ??
    (value instanceof Map ? "a Map" : value instanceof Set ? "a Set" : "an object")
  )
}

const builtIn: ReadonlyArray<{
  readonly type: abstract new (...args: never) => object
  readonly kind: string
  readonly text: (value: never) => string
}> = [
  { type: Date, kind: "a Date", text: (date: Date) => String(date.getTime()) },
  { type: Uint8Array, kind: "a Uint8Array", text: (bytes: Uint8Array) => bytes.join() },
  { type: URL, kind: "a URL", text: (url: URL) => url.href },
  { type: RegExp, kind: "a RegExp", text: String }
]
