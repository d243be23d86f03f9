/**
 * States that are their own JSON. Where a schema has only texts, numbers, truth
 * values, null, literals, lists, structs and records of these, encoding and
 * decoding change no value: they check it, put its members in order, and leave
 * out what the schema does not have. One walk does all of that here.
 */
import * as Schema from "effect/Schema"
import * as SchemaAST from "effect/SchemaAST"
import { textProblem } from "../../domain/texts.ts"
import { passes } from "../../internal/passes.ts"
import { roughSize } from "../../ports/eventCopy.ts"
import { jsonBytes } from "../../ports/jsonBytes.ts"
import { maxDepth, maxRecordBytes, namesInOrder } from "../../ports/jsonCopy.ts"

/** How the states of a plain schema are kept, and given to a handler. */
export interface PlainState {
  /** The JSON that a store keeps of a state. Undefined if the state has to be encoded, because it may be wrong. */
  readonly keep: (state: unknown) => Schema.Json | undefined
  /** What JSON decodes to that was kept. It shares nothing with the JSON, so a handler may change it. */
  readonly give: (json: Schema.Json) => unknown
}

/** The plain form of a schema. Undefined if encoding or decoding may change a value. */
export const of = (schema: Schema.Codec<unknown, unknown>): PlainState | undefined => {
  const nodes = new Map<SchemaAST.AST, Node>()
  let suspended = 0

  // A schema that contains itself meets the node that is being made.
  const nodeOf = (ast: SchemaAST.AST): Node => {
    // A schema that makes itself anew at each step has no end.
    if (SchemaAST.isSuspend(ast)) return ++suspended > mostSuspended ? notPlain() : nodeOf(ast.thunk())
    const known = nodes.get(ast)
    if (known !== undefined) return known
    const node = { kind: ast._tag === "Objects" ? "object" : ast._tag === "Arrays" ? "array" : "union" } as Node
    nodes.set(ast, node)
    return Object.assign(node, make(ast))
  }

  const make = (ast: SchemaAST.AST): Node => {
    if (ast.encoding !== undefined && !isAnyNumber(ast)) return notPlain()
    const checks = ast.checks ?? []
    switch (ast._tag) {
      case "String":
        return leaf("string", (value) => textProblem(value) === undefined && passes(checks, value, ast))
      case "Number":
        return leaf("number", (value) => Number.isFinite(value) && !Object.is(value, -0) && passes(checks, value, ast))
      case "Boolean":
        return leaf("boolean", (value) => passes(checks, value, ast))
      case "Null":
        return leaf("null", (value) => passes(checks, value, ast))
      case "Literal": {
        const { literal } = ast
        if (typeof literal === "bigint") return notPlain()
        const node = leaf(
          typeof literal as "string" | "number" | "boolean",
          (value) => value === literal && !Object.is(value, -0)
        )
        return checks.length > 0 ? notPlain() : { ...node, literal }
      }
      case "Arrays":
        return checks.length > 0 || ast.encodingChecks !== undefined ? notPlain() : listOf(ast, nodeOf)
      case "Objects":
        return checks.length > 0 || ast.encodingChecks !== undefined ? notPlain() : objectOf(ast, nodeOf)
      case "Union":
        // A member without a value has to be encoded.
        return checks.length > 0 || ast.encodingChecks !== undefined
          ? notPlain()
          : unionOf(ast.types.filter(({ _tag }) => _tag !== "Undefined").map(nodeOf))
      default:
        return notPlain()
    }
  }

  try {
    const { give, keep } = nodeOf(Schema.toCodecJson(schema).ast)
    return {
      keep: (state) => {
        size = 0
        const json = keep(state, 0)
        if (json === undefined || size <= maxRecordBytes / 8) return json
        return jsonBytes(json) > maxRecordBytes ? undefined : json
      },
      give
    }
  } catch (error) {
    if (error instanceof NotPlain) return undefined
    throw error
  }
}

const mostSuspended = 100

// A number is its own JSON, but for those that JSON does not have: the encoding writes their names.
const isAnyNumber = (ast: SchemaAST.AST): boolean => {
  const [link, another] = ast.encoding ?? []
  return SchemaAST.isNumber(ast) && another === undefined && link?.transformation === namesOfNumbers
}

const namesOfNumbers = Schema.toCodecJson(Schema.Number).ast.encoding?.[0].transformation

// The rough size of what is kept so far. It is added up by the walk, which is synchronous: another walk takes as long.
let size = 0

class NotPlain extends Error {}

const notPlain = (): never => {
  throw new NotPlain()
}

interface Node {
  readonly kind: "string" | "number" | "boolean" | "null" | "array" | "object" | "union"
  readonly literal?: string | number | boolean
  /** The members of a union. */
  readonly members?: ReadonlyArray<Node>
  /** The literals that every object of the kind has, by the names of their members. */
  readonly tags?: ReadonlyMap<string, Node["literal"]>
  readonly keep: (value: unknown, depth: number) => Schema.Json | undefined
  readonly give: (json: Schema.Json) => unknown
}

type NodeOf = (ast: SchemaAST.AST) => Node

const same = <A>(value: A): A => value

const leaf = <Kind extends "string" | "number" | "boolean" | "null">(
  kind: Kind,
  fits: (value: never) => boolean
): Node => ({
  kind,
  keep: (value) => {
    if (kindOf(value) !== kind || !fits(value as never)) return undefined
    size += roughSize(value)
    return value as Schema.Json
  },
  give: same
})

const kindOf = (value: unknown): string => (value === null ? "null" : Array.isArray(value) ? "array" : typeof value)

const listOf = ({ elements, rest }: SchemaAST.Arrays, nodeOf: NodeOf): Node => {
  if (rest.length > 1 || elements.some(isOptional)) return notPlain()
  const first = elements.map(nodeOf)
  const others = rest[0] === undefined ? undefined : nodeOf(rest[0])
  return {
    kind: "array",
    keep: (value, depth) => {
      if (!Array.isArray(value) || depth === maxDepth || value.length < first.length) return undefined
      if (others === undefined && value.length > first.length) return undefined
      const list: Array<Schema.Json> = []
      for (let i = 0; i < value.length; i++) {
        const member = (i < first.length ? first[i]! : others!).keep(value[i], depth + 1)
        if (member === undefined) return undefined
        list.push(member)
      }
      return list
    },
    give: (json) => (json as Schema.JsonArray).map((member, i) => (first[i] ?? others!).give(member))
  }
}

const isOptional = (ast: SchemaAST.AST): boolean => ast.context?.isOptional === true

const objectOf = (ast: SchemaAST.Objects, nodeOf: NodeOf): Node => {
  const { indexSignatures, propertySignatures } = ast
  const [index, another] = indexSignatures
  if (index === undefined) return propertySignatures.length === 0 ? notPlain() : structOf(ast, nodeOf)
  const { parameter, type } = index
  const isText = SchemaAST.isString(parameter) && parameter.encoding === undefined && parameter.checks === undefined
  return another !== undefined || propertySignatures.length > 0 || !isText ? notPlain() : recordOf(nodeOf(type))
}

const isPlainObject = (value: unknown): value is Readonly<Record<string, unknown>> => {
  if (typeof value !== "object" || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

const structOf = ({ propertySignatures }: SchemaAST.Objects, nodeOf: NodeOf): Node => {
  const members = propertySignatures.map(({ name, type }) => {
    if (typeof name !== "string" || name === "__proto__") return notPlain()
    return { name, isOptional: isOptional(type), node: nodeOf(type) }
  })
  const names = namesInOrder(members.map(({ name }) => name))
  // In the order that stores keep.
  const stored = names?.map((name) => members.find((each) => each.name === name)!) ?? notPlain()
  const tags = new Map(
    members.flatMap(({ isOptional, name, node }) =>
      isOptional || node.literal === undefined ? [] : [[name, node.literal] as const]
    )
  )
  return {
    kind: "object",
    tags,
    keep: (value, depth) => {
      if (!isPlainObject(value) || depth === maxDepth) return undefined
      const json: Record<string, Schema.Json> = {}
      for (const { isOptional, name, node } of stored) {
        const own = value[name]
        if (own === undefined && isOptional && !(name in value)) continue
        const member = node.keep(own, depth + 1)
        if (member === undefined || !Object.hasOwn(value, name)) return undefined
        json[name] = member
        size += name.length
      }
      return json
    },
    give: (json) => {
      const object = json as Schema.JsonObject
      const given: Record<string, unknown> = {}
      // No member that was kept is undefined.
      for (const { name, node } of members) {
        const member = object[name]
        if (member !== undefined && Object.hasOwn(object, name)) given[name] = node.give(member)
      }
      return given
    }
  }
}

const recordOf = (node: Node): Node => ({
  kind: "object",
  keep: (value, depth) => {
    if (!isPlainObject(value) || depth === maxDepth) return undefined
    const names = namesInOrder(Object.keys(value))
    if (names === undefined) return undefined
    const json: Record<string, Schema.Json> = {}
    for (const name of names) {
      const member = name === "__proto__" ? undefined : node.keep(value[name], depth + 1)
      if (member === undefined) return undefined
      json[name] = member
      size += name.length
    }
    return json
  },
  give: (json) => {
    const object = json as Schema.JsonObject
    const given: Record<string, unknown> = {}
    for (const name in object) given[name] = node.give(object[name]!)
    return given
  }
})

/**
 * A union finds the member of a value by the value's kind, and of an object by a
 * tag. Where more members could take a value, the schema is not plain: the first
 * one that takes the value need not be the first one that takes its JSON.
 */
const unionOf = (nodes: ReadonlyArray<Node>): Node => {
  if (nodes.length === 0) return notPlain()
  const members = nodes.flatMap((node) => node.members ?? [node])
  const objects = members.filter(({ kind }) => kind === "object")
  // A union that is still being made has no members yet.
  if (members.some(({ kind }) => kind === "union")) return notPlain()
  if (members.filter(({ kind }) => kind === "array").length > 1) return notPlain()
  const tag = objects.length < 2 ? undefined : commonTag(objects)
  if (objects.length > 1 && tag === undefined) return notPlain()
  const byTag = new Map(tag === undefined ? [] : objects.map((each) => [each.tags!.get(tag), each] as const))
  const memberOf = (value: unknown): Node | undefined => {
    const kind = kindOf(value)
    if (kind === "object" && tag !== undefined) return byTag.get((value as Readonly<Record<string, never>>)[tag])
    return members.find((each) => each.kind === kind && (each.literal === undefined || each.literal === value))
  }
  return {
    kind: "union",
    members,
    keep: (value, depth) => {
      const kind = kindOf(value)
      if (kind === "object" || kind === "array") return memberOf(value)?.keep(value, depth)
      // Each member gives the same value back, whichever takes it.
      for (const member of members) {
        const kept = member.kind === kind ? member.keep(value, depth) : undefined
        if (kept !== undefined) return kept
      }
      return undefined
    },
    give: (json) => (typeof json === "object" && json !== null ? memberOf(json)!.give(json) : json)
  }
}

const commonTag = ([first, ...others]: ReadonlyArray<Node>): string | undefined =>
  [...(first?.tags?.keys() ?? [])].find((name) => {
    const literals = new Set([first, ...others].map((each) => each?.tags?.get(name)))
    return !literals.has(undefined) && literals.size === others.length + 1
  })
