/** The fields of a view's state: their names and types for the compiler, their schemas for the program. */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaAST from "effect/SchemaAST"
import * as SchemaGetter from "effect/SchemaGetter"
import type { Equatable, IfKnown, Leaf, Ordered } from "../exactly.ts"
import type { Missing, Path } from "./data.ts"
import { jsonOf, kindsOf } from "./kinds.ts"
import { byHead } from "./run.ts"

export type { Equatable, Ordered }

// A path does not lead into these.
type Opaque = Leaf | ReadonlyArray<unknown>

type Has<Value, Kind> = [Extract<Value, Kind>] extends [never] ? never : true

/**
 * The paths to the fields of `State` that may hold a `Kind`, the names joined
 * by dots, at most six of them. A name that contains a dot is in no path.
 *
 * For a type parameter, such as `State extends { readonly owner: string }`,
 * they are the names of the fields that its constraint has.
 */
export type PathTo<State, Kind> = IfKnown<State, never, keyof State & string> | PathIn<State, Kind>

type PathIn<State, Kind, Depth extends ReadonlyArray<unknown> = []> = Depth["length"] extends 6
  ? never
  : State extends Opaque
    ? never
    : {
        [Name in keyof State & string]-?: Name extends `${string}.${string}`
          ? never
          :
              | (Has<State[Name], Kind> extends never ? never : Name)
              | `${Name}.${PathIn<State[Name], Kind, [...Depth, Name]>}`
      }[keyof State & string]

/** What a path leads to. */
type ValueAt<State, P> = State extends Opaque
  ? never
  : P extends keyof State
    ? State[P]
    : P extends `${infer Head}.${infer Tail}`
      ? Head extends keyof State
        ? ValueAt<State[Head], Tail>
        : never
      : never

/** An operand for the field at a path. */
export type Operand<State, P, Kind> = IfKnown<State, Extract<ValueAt<State, P>, Kind>, Kind>

/** An operand for the elements of the array at a path. */
export type ElementOf<State, P> =
  Extract<ValueAt<State, P>, ReadonlyArray<unknown>> extends ReadonlyArray<infer Element>
    ? Extract<Element, Equatable>
    : never

type Tail<P, Head extends string> = P extends `${Head}.${infer Rest}` ? Rest : never

type HeadOf<P> = P extends `${infer Head}.${string}` ? Head : P

/** A state with only the fields at these paths. */
export type Selected<State, P extends string> = State extends Opaque
  ? null
  : {
      readonly [Name in keyof State as Name extends HeadOf<P> ? Name : never]: Name extends P
        ? State[Name]
        : Selected<State[Name], Tail<P, Name & string>>
    }

// The objects that a schema can be in JSON, and what can be anything.
const membersOf = (ast: SchemaAST.AST): ReadonlyArray<SchemaAST.AST> => {
  if (SchemaAST.isSuspend(ast)) return membersOf(ast.thunk())
  // A class is written as the struct behind it; of renamed fields only the names in the JSON count.
  const written = ast.encoding?.at(-1)?.to
  if (written !== undefined && !SchemaAST.isUnion(ast)) return membersOf(written)
  if (SchemaAST.isUnion(ast)) return ast.types.flatMap(membersOf)
  // Such as an `Option`, which is an object with a tag.
  const json = SchemaAST.isDeclaration(ast) && !kindsOf(ast).values.has("any") ? jsonOf(ast) : ast
  return json === ast ? [ast] : membersOf(json)
}

// The schemas of a field of one member.
const fieldsOfMember = (member: SchemaAST.AST, name: string): ReadonlyArray<SchemaAST.AST> => {
  if (kindsOf(member).values.has("any")) return [member]
  if (!SchemaAST.isObjects(member)) return []
  const property = member.propertySignatures.find((each) => each.name === name)
  return property === undefined ? member.indexSignatures.map(({ type }) => type) : [property.type]
}

const fieldsNamed = (asts: ReadonlyArray<SchemaAST.AST>, name: string): ReadonlyArray<SchemaAST.AST> =>
  asts.flatMap(membersOf).flatMap((member) => fieldsOfMember(member, name))

const elementsOf = (ast: SchemaAST.AST): ReadonlyArray<SchemaAST.AST> => {
  if (SchemaAST.isSuspend(ast)) return elementsOf(ast.thunk())
  if (SchemaAST.isUnion(ast)) return ast.types.flatMap(elementsOf)
  return SchemaAST.isArrays(ast) ? [...ast.elements, ...ast.rest] : []
}

// One of several stays the same object, so that effect finds what it compiled for it before.
/** Reads and writes what one of these schemas describes. */
export const codecOf = (asts: ReadonlyArray<SchemaAST.AST>): Schema.Codec<unknown, Schema.Json> => {
  const schemas = asts.map((ast) => Schema.make<Schema.Codec<unknown, unknown>>(ast))
  return Schema.toCodecJson(schemas.length === 1 ? schemas[0]! : Schema.Union(schemas))
}

/** A schema whose fields can be found. */
export type StateSchema<State> = Schema.Codec<State, unknown>

/** The schemas of the field at a path: one for each member of a union that has it, none if the JSON of the state has no such field. */
export const fieldAt = (state: StateSchema<unknown>, path: Path): ReadonlyArray<SchemaAST.AST> =>
  path.reduce<ReadonlyArray<SchemaAST.AST>>(fieldsNamed, [state.ast])

/** The schemas of the elements of arrays. */
export const elementsIn = (asts: ReadonlyArray<SchemaAST.AST>): ReadonlyArray<SchemaAST.AST> => asts.flatMap(elementsOf)

/**
 * The names of a path that is written with dots. `\\.` is a dot in a name. If the
 * state has no such field, names of a record that contain dots are looked for:
 * `tags.ann@example.com` is the field `ann@example.com` of `tags`. Throws an `Error`
 * if the JSON of the state has no such field.
 */
export const pathOf = (state: StateSchema<unknown>, text: string): Path => {
  const names = Array.from(text.matchAll(/((?:\\.|[^\\.]|\\$)*)(?:\.|$)/g), ([, name]) => name!.replace(/\\(.)/g, "$1"))
  // The last match is empty, unless the text ends with a name.
  if (names.length > 1 && !text.endsWith(".")) names.pop()
  const path = found([state.ast], names)
  if (path === undefined) throw new Error(`the view's state has no field ${text}`)
  return path
}

const found = (asts: ReadonlyArray<SchemaAST.AST>, names: ReadonlyArray<string>): Path | undefined => {
  if (names.length === 0) return []
  for (let taken = 1; taken <= names.length; taken++) {
    const name = names.slice(0, taken).join(".")
    const fields = fieldsNamed(asts, name)
    const rest = fields.length === 0 ? undefined : found(fields, names.slice(taken))
    if (rest !== undefined) return [name, ...rest]
  }
  return undefined
}

const some = (asts: ReadonlyArray<SchemaAST.AST>, path: Path): ReadonlyArray<SchemaAST.AST> => {
  if (asts.length === 0) throw new Error(`the view's state has no field ${path.join(".")}`)
  return asts
}

/**
 * What a record has where the JSON of its state lacks the fields on a path: the
 * decoding defaults of the schema. Throws an `Error` if the members of a union
 * have several.
 */
export const missingAt = (state: StateSchema<unknown>, path: Path): ReadonlyArray<Missing> =>
  path.flatMap((name, i) => {
    const members = fieldAt(state, path.slice(0, i)).flatMap(membersOf).filter(SchemaAST.isObjects)
    const values = members.flatMap((member): ReadonlyArray<Schema.Json> => {
      const fields = fieldsOfMember(member, name)
      return fields.length === 0 ? [null] : fields.flatMap(defaultOf)
    })
    if (values.every((value) => value === null)) return []
    if (new Set(values.map((value) => JSON.stringify(value))).size > 1) {
      throw new Error(
        `a missing field ${path.join(".")} has several meanings in the view's state, so no query can ask for it`
      )
    }
    return [{ path: path.slice(0, i + 1), value: values[0]! }]
  })

const defaults = new WeakMap<SchemaAST.AST, ReadonlyArray<Schema.Json>>()

// The JSON of what a missing field becomes. Null stands for nothing. There is none if the field cannot be missing.
const defaultOf = (ast: SchemaAST.AST): ReadonlyArray<Schema.Json> => {
  const before = defaults.get(ast)
  if (before !== undefined) return before
  const field = Schema.make<Schema.Codec<unknown, unknown>>(ast)
  const one = Schema.Struct({ field })
  const decoded = Schema.decodeUnknownResult(Schema.toCodecJson(one))({})
  const value = Result.map(decoded, (state) => {
    if (state.field === undefined) return null
    const written = Schema.encodeSync(Schema.toCodecJson(one))(state) as { readonly field?: Schema.Json }
    // A schema may leave its default out of what it writes.
    return written.field ?? (Schema.encodeSync(Schema.toCodecJson(Schema.toType(field)))(state.field) as Schema.Json)
  })
  const found = Result.isSuccess(value) ? [value.success] : []
  defaults.set(ast, found)
  return found
}

/** Writes values of the field at a path as the schema does. */
export const fieldCodec = (state: StateSchema<unknown>, path: Path): Schema.Codec<unknown, Schema.Json> =>
  codecOf(some(fieldAt(state, path), path))

/** Writes elements of the array at a path as the schema does. */
export const elementCodec = (state: StateSchema<unknown>, path: Path): Schema.Codec<unknown, Schema.Json> =>
  codecOf(elementsIn(some(fieldAt(state, path), path)))

// A field that the state does not have is null, also if the JSON of a record has something there.
const nothing = Schema.optionalKey(
  Schema.Unknown.pipe(
    Schema.decodeTo(Schema.Null, {
      decode: SchemaGetter.transform(() => null),
      encode: SchemaGetter.transform((value): unknown => value)
    })
  )
)

const selectedField = (state: StateSchema<unknown>, path: Path): Schema.Codec<unknown, unknown> => {
  const asts = fieldAt(state, path)
  if (asts.length === 0) return nothing
  const codec = codecOf(asts)
  const hasDefault = asts.some((ast) => defaultOf(ast).some((value) => value !== null))
  return hasDefault && asts.length === 1 ? codec : Schema.optionalKey(codec)
}

/** Reads and writes what is selected of a state. */
export const selectedCodec = (
  state: StateSchema<unknown>,
  select: ReadonlyArray<Path>,
  at: Path = []
): Schema.Codec<unknown, unknown> =>
  Schema.Struct(
    Object.fromEntries(
      Array.from(byHead(select), ([name, tails]): readonly [string, Schema.Codec<unknown, unknown>] => {
        const path = [...at, name]
        if (tails === "all") return [name, selectedField(state, path)]
        const isThere = fieldAt(state, path).length > 0
        return [name, isThere ? Schema.optionalKey(Schema.NullOr(selectedCodec(state, tails, path))) : nothing]
      })
    )
  )
