/**
 * The values that the fields of commands take: those that occur in a history, so that ids meet and amounts reach the
 * limits that a state sets (a withdrawal of all that there is, and of one more), and simpler ones.
 */
import type { Aggregate } from "@hexfold/core"
import { Arbitrary, Effect, Option, Schema, SchemaAST } from "effect"
import { isRecord, membersOf } from "./frozen.ts"
import { printed } from "./printed.ts"
import { isStorable } from "./storable.ts"

/** A field of a command. */
export interface Field {
  readonly name: string
  readonly ast: SchemaAST.AST
  readonly takes: (value: unknown) => boolean
}

/**
 * The fields of a command's Schema: of a struct, a class, or the members of a union. A field with a generator of its
 * own gets no other values, unless the generator is a Schema, which says which it takes.
 */
export const fieldsOf = (
  schema: Schema.Codec<unknown, unknown>,
  overrides: Readonly<Record<string, unknown>> = {}
): ReadonlyArray<Field> => {
  const fields = new Map<string, Field>()
  for (const { name, type } of objectsOf(SchemaAST.toType(schema.ast)).flatMap((each) => each.propertySignatures)) {
    if (typeof name !== "string" || name === "_tag" || fields.has(name)) continue
    const own = overrides[name]
    if (own !== undefined && !Schema.isSchema(own)) continue
    const takes = Schema.is(Schema.make<Schema.Codec<unknown>>(type))
    const also = own === undefined ? () => true : Schema.is(own as Schema.Codec<unknown>)
    fields.set(name, { name, ast: SchemaAST.toType(type), takes: (value) => takes(value) && also(value) })
  }
  return [...fields.values()]
}

const objectsOf = (ast: SchemaAST.AST): ReadonlyArray<SchemaAST.Objects> => {
  if (SchemaAST.isUnion(ast)) return ast.types.flatMap(objectsOf)
  if (SchemaAST.isDeclaration(ast)) return ast.typeParameters.slice(0, 1).flatMap(objectsOf)
  return SchemaAST.isObjects(ast) ? [ast] : []
}

/** Makes a command of fields, or nothing if its Schema refuses them together. */
export const makes =
  <A extends Aggregate.Tagged>(schema: Schema.Codec<A, unknown>) =>
  (fields: object): A | undefined => {
    try {
      return schema.make(fields)
    } catch {
      // A check over several fields refuses the mixture: another one is tried.
      return undefined
    }
  }

/** A value that occurs in a history: of an id (with the name of the aggregate), of a command's field, or in a state. */
export interface Seen {
  readonly value: unknown
  readonly name: string | undefined
  /** The Schema of the id or field. */
  readonly ast?: SchemaAST.AST
}

/** The values that a field takes. */
export interface Takeable {
  /** Those of the same name, such as the ids of `Budget` for `budget`, and the `step` of a state for `step`. */
  readonly named: ReadonlyArray<unknown>
  /** Those of the same Schema. */
  readonly own: ReadonlyArray<unknown>
  /** Those of states. */
  readonly state: ReadonlyArray<unknown>
  readonly all: ReadonlyArray<unknown>
}

/** The values of states, and others that were seen, by the field that takes them. */
export const takeable = (states: Iterable<unknown>, others: ReadonlyArray<Seen>): ((field: Field) => Takeable) => {
  const inStates: Array<Seen> = []
  for (const state of states) valuesIn(state, undefined, inStates, inStates.length + mostOfState)
  const known = new Map<Field, Takeable>()
  return (field) => {
    const before = known.get(field)
    if (before !== undefined) return before
    const takenOf = (seen: Taken): Taken => seen.filter(({ value }) => field.takes(value))
    const [some, state] = [takenOf(others), takenOf(inStates)]
    const all = [...state, ...some]
    const found = {
      named: distinct(all.filter(({ name }) => name !== undefined && isSameName(field.name, name))),
      own: distinct(some.filter(({ ast }) => ast === field.ast)),
      state: distinct(state),
      all: distinct(all)
    }
    known.set(field, found)
    return found
  }
}

type Taken = ReadonlyArray<Seen>

const distinct = (seen: Taken): ReadonlyArray<unknown> => [...new Set(seen.map(({ value }) => value))]

const isSameName = (field: string, name: string): boolean => {
  const [a, b] = [field.toLowerCase(), name.toLowerCase()]
  return a === b || a === `${b}id`
}

/** The most values that one state adds. */
const mostOfState = 60

// All numbers, texts and times in a value, in any depth; of numbers also their neighbours.
const valuesIn = (value: unknown, name: string | undefined, into: Array<Seen>, most: number): void => {
  if (into.length >= most) return
  const add = (...values: ReadonlyArray<unknown>) => {
    for (const each of values) into.push({ value: each, name })
  }
  if (typeof value === "number") add(value, value + 1, value - 1)
  else if (typeof value === "bigint") add(value, value + 1n, value - 1n)
  else if (typeof value === "string") add(value)
  else if (isRecord(value)) {
    for (const [key, each] of Object.entries(value)) {
      if (key === "_tag") continue
      add(key)
      valuesIn(each, key, into, most)
    }
  } else {
    const members = membersOf(value)
    if (members.length === 0 && typeof value === "object" && value !== null && !Array.isArray(value)) add(value)
    for (const each of members) valuesIn(each, name, into, most)
  }
}

/** Values that a field takes and that are simpler than its present one, the simplest first. */
export const simplerOf = (field: Field, value: unknown): ReadonlyArray<unknown> => {
  const most = weightOf(value)
  return [...new Set([...near(value), ...simplest(field)])]
    .map((each) => ({ each, weight: weightOf(each) }))
    .filter(({ each, weight }) => weight < most && field.takes(each))
    .sort((a, b) => a.weight - b.weight)
    .map(({ each }) => each)
}

const near = (value: unknown): ReadonlyArray<unknown> => {
  if (typeof value === "number") return [0, 1, 2, ...distancesOf(value).map((distance) => value - distance)]
  if (typeof value === "bigint") return [0n, 1n, ...distancesOfBigInt(value).map((distance) => value - distance)]
  if (typeof value === "string") return ["", "a", "b", "c", value.slice(0, 1), value.slice(0, value.length / 2)]
  if (Array.isArray(value)) {
    const members: ReadonlyArray<unknown> = value
    return [
      [],
      members.slice(0, 1),
      members.slice(0, members.length / 2),
      ...members.map((_, i) => members.toSpliced(i, 1)),
      ...members.flatMap((each, i) => nearWithin(each).map((other) => members.with(i, other)))
    ]
  }
  if (typeof value !== "object" || value === null || Object.getPrototypeOf(value) !== Object.prototype) return []
  const entries = Object.entries(value)
  return [
    ...entries.map((_, i) => Object.fromEntries(entries.toSpliced(i, 1))),
    ...entries.flatMap(([key, each], i) => [
      ...nearWithin(key).map((other) => Object.fromEntries(entries.with(i, [String(other), each]))),
      ...nearWithin(each).map((other) => Object.fromEntries(entries.with(i, [key, other])))
    ])
  ]
}

// Half of the value, a quarter, and so on to 1: each step halves what a limit is away, so that a limit is found fast.
const distancesOf = (value: number): ReadonlyArray<number> => {
  const distances: Array<number> = []
  if (!Number.isFinite(value)) return distances
  for (let each = value - Math.trunc(value / 2); Math.abs(each) >= 1; each = Math.trunc(each / 2)) distances.push(each)
  return distances
}

const distancesOfBigInt = (value: bigint): ReadonlyArray<bigint> => {
  const distances: Array<bigint> = []
  for (let each = value - value / 2n; each !== 0n; each /= 2n) distances.push(each)
  return distances
}

// Objects and lists have many members: of a text, a list or an object, each has only its simplest ones.
const nearWithin = (value: unknown): ReadonlyArray<unknown> =>
  typeof value === "number" || typeof value === "bigint" ? near(value) : near(value).slice(0, 6)

const simplest = (field: Field): ReadonlyArray<unknown> => {
  let found = simplestByField.get(field)
  if (found === undefined) {
    try {
      const small = Arbitrary.schema(Schema.make(field.ast))
      found = Effect.runSync(
        Effect.orElseSucceed(Arbitrary.sampleEffect(small, { count: 5, size: 0, seed: 1 }), () => [])
      )
    } catch {
      // From some Schemas nothing can be generated, where the whole command has a generator of its own.
      found = []
    }
    found = found.filter(isStorable)
    simplestByField.set(field, found)
  }
  return found
}

const simplestByField = new WeakMap<Field, ReadonlyArray<unknown>>()

/** How hard a value is to read: few letters and small numbers are simple. */
export const weightOf = (value: unknown): number => {
  if (typeof value === "number")
    return Number.isInteger(value)
      ? Math.abs(value) + (value < 0 ? 0.5 : 0)
      : Number.isFinite(value)
        ? 5 + Math.abs(value) * 10
        : 1e9
  if (typeof value === "bigint") return Math.abs(Number(value))
  if (typeof value === "string") {
    return [...value].reduce((sum, each) => sum + (/[a-z]/.test(each) ? 4 + each.charCodeAt(0) / 100 : 20), 0)
  }
  if (typeof value !== "object" || value === null) return 0
  const isKnown = Array.isArray(value) || value instanceof Map || value instanceof Set || Option.isOption(value)
  if (isKnown) return membersOf(value).reduce<number>((sum, each) => sum + 2 + weightOf(each), 1)
  // What another object keeps inside may be itself, or a cache.
  if (!isRecord(value)) return printed(value).length
  const entries = Object.entries(value)
  return entries.reduce((sum, [key, each]) => sum + 1 + weightOf(key) / 100 + weightOf(each), 1)
}
