import * as Equal from "effect/Equal"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaAST from "effect/SchemaAST"
import { isClass, judge, type Meaning } from "../../domain/json/jsonMeaning.ts"
import * as encoder from "../../internal/encoder.ts"
import { memoized } from "../../internal/memoized.ts"

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
    const changed = changedAt([schema.ast], value, decoded.success, undefined, undefined)
    if (changed !== undefined) {
      // The encoder has made instances of plain objects if the value itself does not encode.
      const made = Result.isFailure(encode(value)) ? instance(value) : undefined
      if (made === undefined || Result.isFailure(made)) return changed
      const still = changedAt([schema.ast], made.success, decoded.success, undefined, undefined)
      if (still !== undefined) return still
    }
    const again = encode(decoded.success)
    if (Result.isFailure(again)) return "it could not be written again after it was read back: " + again.failure.message
    return changedAt([], json, again.success, undefined, undefined)
  }
}

/**
 * Like {@link make}, but compares nothing if the schema says that every value keeps its meaning. The definitions of events
 * and views refuse a schema whose JSON has two meanings. The state of an aggregate may have one: then each value is compared.
 */
export const makeIfUnsure = <A>(
  schema: Schema.Codec<A, unknown>
): ((value: A, json: Schema.Json) => string | undefined) =>
  meaningOf(schema) === "sure" ? () => undefined : make(schema)

const meaningOf = (schema: Schema.Codec<unknown, unknown>): Meaning => {
  try {
    return judge("", schema)
  } catch {
    return "unsure"
  }
}

type Types = ReadonlyArray<SchemaAST.AST>

/** The way from the value to one of its members. It becomes a text only where the members differ: a list may have many. */
type Path = { readonly parent: Path; readonly step: string } | undefined

/** The objects that contain a member. */
type Above = { readonly parent: Above; readonly value: object } | undefined

// `types` are all that the schema may have at this place.
const changedAt = (types: Types, before: unknown, after: unknown, path: Path, above: Above): string | undefined => {
  if (before === after && (typeof before !== "object" || before === null)) return undefined
  if (isBare(before) && isBare(after)) return changedObject(types, before, after, path, above)
  const [kind, other] = [kindOf(before), kindOf(after)]
  if (kind !== other) return `${nameOf(path)} is ${kind} and would be read back as ${other}`
  if (typeof before !== "object" || before === null || typeof after !== "object" || after === null) {
    return Object.is(before, after) || (before === 0 && after === 0) ? undefined : differs(path, kind)
  }
  if (contains(above, before)) return undefined
  const members = flat(types)
  const within = { parent: above, value: before }
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
  return changedObject(types, before, after, path, above)
}

const changedObject = (types: Types, before: object, after: object, path: Path, above: Above): string | undefined => {
  if (contains(above, before)) return undefined
  const members = flat(types)
  const objects = objectsOf(members)
  if (objects.length === 0 && Equal.isEqual(before))
    return Equal.equals(before, after) ? undefined : differs(path, kindOf(before))
  return changedKeys(objects, members.some(isOpen), before, after, path, { parent: above, value: before })
}

// A plain object that is not a list, an Option, or a collection: most values are.
const isBare = (value: unknown): value is object => {
  if (typeof value !== "object" || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return (prototype === Object.prototype || prototype === null) && !isIterable(value)
}

const contains = (above: Above, value: object): boolean => {
  for (let each = above; each !== undefined; each = each.parent) if (each.value === value) return true
  return false
}

const changedIn = (
  members: Types,
  before: ReadonlyArray<unknown>,
  after: ReadonlyArray<unknown>,
  path: Path,
  within: Above,
  any?: Types
): string | undefined => {
  if (before.length !== after.length) {
    return `${nameOf(path)} has ${before.length} members and would be read back with ${after.length}`
  }
  for (let i = 0; i < before.length; i++) {
    const changed = changedAt(
      any ?? elementsAt(members, i),
      before[i],
      after[i],
      { parent: path, step: `[${i}]` },
      within
    )
    if (changed !== undefined) return changed
  }
  return undefined
}

const changedKeys = (
  objects: ReadonlyArray<SchemaAST.Objects>,
  mayHaveAny: boolean,
  before: object,
  after: object,
  path: Path,
  within: Above
): string | undefined => {
  const [from, to] = [classOf(before), classOf(after)]
  if (from !== to) return `${nameOf(path)} is ${instanceOf(from)} and would be read back as ${instanceOf(to)}`
  const [given, read] = [before as Readonly<Record<string, unknown>>, after as Readonly<Record<string, unknown>>]
  for (const key of Object.keys(given)) {
    if (Object.hasOwn(read, key)) {
      if (given[key] === read[key] && typeof given[key] !== "object") continue
      const changed = changedAt(typesOf(objects, key), given[key], read[key], { parent: path, step: `.${key}` }, within)
      if (changed !== undefined) return changed
    } else if (given[key] !== undefined && (mayHaveAny || isDeclared(objects, key))) {
      return `${nameOf({ parent: path, step: `.${key}` })} is ${kindOf(given[key])} and would be lost`
    }
  }
  for (const key of Object.keys(read)) {
    if (Object.hasOwn(given, key) || read[key] === undefined) continue
    return `${nameOf({ parent: path, step: `.${key}` })} is missing and would be read back as ${kindOf(read[key])}`
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

const typesOf = (objects: ReadonlyArray<SchemaAST.Objects>, key: string): Types =>
  objects.length === 1 ? typesAt(objects[0]!, key) : objects.flatMap((each) => typesAt(each, key))

const typesAt = (object: SchemaAST.Objects, key: string): Types => {
  const { named, others } = memoized(typesByName, object, () => ({
    named: new Map(
      [...Map.groupBy(object.propertySignatures, ({ name }) => name)].map(([name, own]) => [
        name,
        own.map(({ type }) => type)
      ])
    ),
    others: object.indexSignatures.map(({ type }) => type)
  }))
  return named.get(key) ?? others
}

const typesByName = new WeakMap<object, unknown>()

const elementsAt = (members: Types, index: number): Types => {
  const [list] = members
  if (members.length === 1 && SchemaAST.isArrays(list!) && list.elements.length === 0) return list.rest
  return members.flatMap((each) => (SchemaAST.isArrays(each) ? (each.elements[index] ?? each.rest) : []))
}

const isName = (ast: SchemaAST.AST): boolean => SchemaAST.isUnion(ast) || SchemaAST.isSuspend(ast)

// The members of unions, without the names that stand for schemas.
const flat = (types: Types): Types => {
  if (!types.some(isName)) return types
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

const objectsOf = (members: Types): ReadonlyArray<SchemaAST.Objects> =>
  members.every(SchemaAST.isObjects) ? members : members.flatMap(objectOf)

const nameOf = (path: Path): string => {
  let text = ""
  for (let each = path; each !== undefined; each = each.parent) text = each.step.slice(0, 101) + text
  return text === "" ? "the value" : text
}

const differs = (path: Path, kind: string): string => `${nameOf(path)} is ${kind} and would be read back as another one`

// An error of Effect can be yielded, and so has an iterator. It holds no members.
const isIterable = (value: object): value is Iterable<unknown> => Symbol.iterator in value && !(value instanceof Error)

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
