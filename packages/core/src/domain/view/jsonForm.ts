/**
 * A digest of the JSON that a schema writes and reads. Schemas with the same JSON
 * have the same digest, whatever they are called, however they are documented, and
 * whether they are classes or structs. What functions do cannot be seen.
 */
import * as Schema from "effect/Schema"
import * as SchemaAST from "effect/SchemaAST"
import { isClass, isUnordered } from "../json/jsonMeaning.ts"
import { digest } from "./digest.ts"

/** A schema without those that it is made of, and these. */
interface Shape {
  readonly own: string
  readonly parts: ReadonlyArray<SchemaAST.AST>
  /** Whether the order of the parts has no meaning. */
  readonly unordered?: boolean
}

interface Node {
  readonly own: string
  /** The parts, by their places among all nodes. */
  readonly parts: ReadonlyArray<number>
  readonly unordered: boolean
}

/** The digest of a schema's JSON. */
export const jsonForm = (schema: Schema.Codec<unknown, unknown>): string => {
  const nodes = nodesOf(Schema.toCodecJson(schema).ast)
  // Nodes with the same label have the same JSON as far as they were looked at, one step further in each round. When a
  // round tells no more of them apart, the labels name the different schemas, and each has those of its parts in it. So
  // the number of rounds and the labels do not depend on how often a schema occurs, nor on where a recursive one begins.
  let labels = nodes.map(({ own }) => digest(own))
  for (let count = 0; count < new Set(labels).size;) {
    count = new Set(labels).size
    const known = labels
    labels = nodes.map(({ own, parts, unordered }) => {
      const of = parts.map((part) => known[part]!)
      return digest([own, ...(unordered ? [...new Set(of)].sort() : of)].join(" "))
    })
  }
  return digest([labels[0], ...[...new Set(labels)].sort()].join(" "))
}

/** A schema, all schemas that it is made of, and how they are connected. */
const nodesOf = (root: SchemaAST.AST): ReadonlyArray<Node> => {
  const places = new Map<SchemaAST.AST, number>()
  const nodes: Array<Node> = []
  const suspended = new Set<SchemaAST.AST>()

  const meant = (ast: SchemaAST.AST): SchemaAST.AST | undefined => {
    if (SchemaAST.isSuspend(ast)) {
      const next = ast.thunk()
      // A schema that makes itself anew at each step has no end.
      return suspended.add(next).size <= mostSuspended ? meant(next) : undefined
    }
    const fields = isClass(ast) && ast.checks === undefined ? ast.encoding : undefined
    return fields === undefined ? ast : meant(fields[0].to)
  }

  const visit = (given: SchemaAST.AST): number => {
    const ast = meant(given) ?? Schema.Unknown.ast
    const known = places.get(ast)
    if (known !== undefined) return known
    const place = nodes.length
    places.set(ast, place)
    const { own, parts, unordered = false } = shapeOf(ast)
    nodes.push({ own, parts: [], unordered })
    nodes[place] = { own, parts: parts.map(visit), unordered }
    return place
  }

  visit(root)
  return nodes
}

const mostSuspended = 100

const shapeOf = (ast: SchemaAST.AST): Shape => {
  const shape = (facts: ReadonlyArray<unknown> = [], parts: Shape["parts"] = [], unordered = false): Shape => ({
    own: JSON.stringify([ast._tag, checksOf(ast.checks), ...facts]),
    parts,
    unordered
  })
  if (ast.encoding !== undefined) {
    return shape(
      ["written as", idOf(ast)],
      ast.encoding.map(({ to }) => to)
    )
  }
  switch (ast._tag) {
    case "Declaration":
      return shape([idOf(ast)], ast.typeParameters)
    case "Literal":
      return shape([typeof ast.literal, String(ast.literal)])
    case "UniqueSymbol":
      return shape([String(ast.symbol)])
    case "Enum":
      return shape(ast.enums.map(([, value]) => JSON.stringify(value)).sort())
    case "TemplateLiteral":
      return shape([], ast.parts)
    case "Arrays":
      return shape([ast.elements.map(presence), ast.rest.length], [...ast.elements, ...ast.rest])
    case "Objects": {
      const fields = ast.propertySignatures.map(({ name, type }) => ({ name: String(name), type }))
      fields.sort((a, b) => (a.name < b.name ? -1 : 1))
      return shape(
        [fields.map(({ name, type }) => [name, presence(type)]), ast.indexSignatures.length],
        [...fields.map(({ type }) => type), ...ast.indexSignatures.flatMap(({ parameter, type }) => [parameter, type])]
      )
    }
    case "Union":
      return shape([ast.options?.mode ?? "anyOf"], ast.types, isUnordered(ast))
    default:
      return shape()
  }
}

// Whether a field may be missing: in the value, and in its JSON.
const presence = (type: SchemaAST.AST): string => {
  let written = type
  while (written.encoding !== undefined) written = written.encoding.at(-1)!.to
  return `${SchemaAST.isOptional(type) ? "optional" : ""},${SchemaAST.isOptional(written) ? "optional" : ""}`
}

/** The names of the checks that have one. That of somebody's own function cannot be told from another. */
const checksOf = (checks: SchemaAST.Checks | undefined): ReadonlyArray<string> =>
  (checks ?? [])
    .flatMap((check): ReadonlyArray<string> => {
      const own = representationOf(check.annotations)
      if (own !== undefined) return [own]
      return check._tag === "FilterGroup" ? checksOf(check.checks) : []
    })
    .sort()

/** The name of a declared type. */
const idOf = ({ annotations }: SchemaAST.AST): string => representationOf(annotations) ?? ""

const representationOf = (annotations: object | undefined): string | undefined => {
  const { representation } = (annotations ?? {}) as {
    readonly representation?: { readonly id?: unknown; readonly payload?: unknown }
  }
  return typeof representation?.id === "string" ? textOf([representation.id, representation.payload]) : undefined
}

// A payload has limits of a check, which may be big integers, dates or patterns.
const textOf = (value: unknown): string =>
  JSON.stringify(value, (_, member: unknown) =>
    typeof member === "bigint" || member instanceof RegExp ? String(member) : member
  )
