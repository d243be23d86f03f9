/** Finds what the JSON of schemas looks like in GraphQL. What GraphQL has no type for becomes `JSON`, and is noted. */
import { Schema, SchemaAST } from "effect"
import { distinct, nameOf, upperFirst, valueNameOf } from "./names.ts"
import {
  type AnySchema,
  constantAt,
  defaultOf,
  discriminatorOf,
  isIso,
  isNothing,
  isSimple,
  lastOf,
  membersOf,
  numberOf,
  representationOf,
  times,
  writtenOf
} from "./schemas.ts"
import type {
  ConstantShape,
  EnumShape,
  FieldShape,
  MemberShape,
  ScalarName,
  Shape,
  Slot,
  StructShape
} from "./shape.ts"

/** Where a schema stands: the name for its type if it has none of its own, and the words for a report. */
interface Place {
  readonly name: string
  readonly words: string
  /** Whether the type has this name, whatever the schema is called. */
  readonly isFixed?: boolean
}

/** Finds the shapes of schemas, and notes the places that become `JSON`. */
export class Shapes {
  readonly #notes = new Set<string>()

  /** The places that became `JSON`, with the reason. */
  get notes(): ReadonlyArray<string> {
    return [...this.#notes]
  }

  /** The shape of a schema. */
  of(schema: AnySchema, place: Place): Slot {
    return this.#slot(Schema.toCodecJson(schema).ast, place, new Map())
  }

  /** The shape of a tagged schema, which is always an object with known fields. */
  object(schema: AnySchema, place: Place): StructShape {
    const { shape } = this.of(schema, place)
    if (shape.kind === "struct") return shape
    throw new Error(`${place.words}: it is no object with known fields`)
  }

  #json(place: Place, reason: string): Slot {
    this.#notes.add(`${place.words}: ${reason}`)
    return { shape: { kind: "json" }, none: "null" }
  }

  #slot(ast: SchemaAST.AST, place: Place, above: ReadonlyMap<SchemaAST.AST, StructShape>): Slot {
    const known = above.get(ast)
    if (known !== undefined) return required(known)
    if (above.size > deepest) return this.#json(place, "it is nested without an end that can be seen")
    if (SchemaAST.isSuspend(ast)) return this.#slot(ast.thunk(), place, above)
    const id = representationOf(ast)
    const written = writtenOf(ast)
    if (id === "effect/schema/Option" && written !== ast) return this.#option(ast, written, place, above)
    if (id === "effect/schema/Uint8Array") return this.#json(place, "bytes")
    if (id === "effect/schema/Json" || SchemaAST.isUnknown(ast) || SchemaAST.isAny(ast)) {
      return this.#json(place, "any JSON")
    }
    if (written === ast) return this.#plain(ast, place, above, ast)
    if (SchemaAST.isBigInt(ast) && SchemaAST.isString(written)) return scalar("BigInt")
    if (times.has(id ?? "") && SchemaAST.isString(written) && isIso(ast)) return scalar("DateTime")
    if (SchemaAST.isNumber(ast) && SchemaAST.isUnion(written)) return scalar("Number")
    if (SchemaAST.isString(written) && !SchemaAST.isString(ast)) return scalar("String", true)
    return this.#plain(written, place, above, ast)
  }

  // The JSON of the schema is what this describes. The schema itself may have a name.
  #plain(ast: SchemaAST.AST, place: Place, above: ReadonlyMap<SchemaAST.AST, StructShape>, outer: SchemaAST.AST): Slot {
    const name = place.isFixed === true ? place.name : nameOf(SchemaAST.resolveIdentifier(outer) ?? place.name)
    const here = { ...place, name }
    switch (ast._tag) {
      case "String":
      case "TemplateLiteral":
        return scalar("String")
      case "Number":
        return scalar(numberOf(ast))
      case "Boolean":
        return scalar("Boolean")
      case "Literal":
        return typeof ast.literal === "bigint" ? scalar("BigInt") : required(constant(ast.literal))
      case "Enum":
        return required(
          enumOf(
            here,
            ast.enums.map(([own, value]) => ({ name: valueNameOf(own), value }))
          )
        )
      case "Union":
        return this.#union(ast, here, above)
      case "Arrays":
        return this.#list(ast, here, above)
      case "Objects":
        return this.#object(ast, here, above, outer)
      case "Null":
      case "Void":
      case "Undefined":
        return this.#json(place, "it is always null")
      case "Suspend":
        return this.#slot(ast.thunk(), here, above)
      default:
        return this.#json(place, "GraphQL has no type for it")
    }
  }

  #option(
    ast: SchemaAST.AST,
    written: SchemaAST.AST,
    place: Place,
    above: ReadonlyMap<SchemaAST.AST, StructShape>
  ): Slot {
    const some = SchemaAST.isUnion(written)
      ? written.types
          .filter(SchemaAST.isObjects)
          .flatMap(({ propertySignatures }) => propertySignatures)
          .find(({ name }) => name === "value")
      : undefined
    // An Option that is written as null, or not at all.
    if (some === undefined || written === ast) return this.#plain(written, place, above, ast)
    const inner = this.#slot(some.type, place, above)
    return inner.none === "never" ? { ...inner, none: "option" } : this.#json(place, "an Option of what may be null")
  }

  #list(ast: SchemaAST.Arrays, place: Place, above: ReadonlyMap<SchemaAST.AST, StructShape>): Slot {
    const [rest] = ast.rest
    if (rest === undefined || ast.rest.length > 1 || ast.elements.some((each) => each !== rest)) {
      return this.#json(place, "a tuple")
    }
    return required({ kind: "list", of: this.#slot(rest, { ...place, isFixed: false }, above) })
  }

  #object(
    ast: SchemaAST.Objects,
    { name, words }: Place,
    above: ReadonlyMap<SchemaAST.AST, StructShape>,
    outer: SchemaAST.AST
  ): Slot {
    const [index] = ast.indexSignatures
    const properties = ast.propertySignatures.filter(({ name }) => typeof name === "string")
    if (index !== undefined) {
      if (properties.length > 0 || ast.indexSignatures.length > 1) {
        return this.#json({ name, words }, "an object with further keys")
      }
      return required({ kind: "record", name, of: this.#slot(index.type, { name, words: `${words}[]` }, above) })
    }
    const fields: Array<FieldShape> = []
    const struct: StructShape = { kind: "struct", name, fields }
    const inside = new Map([...above, [outer, struct], [ast, struct]])
    for (const { name: key, type } of properties as ReadonlyArray<Property>) {
      const at = { name: `${name}${upperFirst(key)}`, words: `${words}.${key}` }
      const slot = this.#slot(type, at, inside)
      const isOptional = SchemaAST.isOptional(lastOf(type))
      const missing = isOptional && !SchemaAST.isOptional(type) ? defaultOf(type) : undefined
      fields.push({ ...slot, name: nameOf(key), key, isOptional, default: missing })
    }
    distinct(
      words,
      fields,
      ({ name }) => name,
      ({ key }) => `the field ${JSON.stringify(key)}`
    )
    return required(struct)
  }

  #union(ast: SchemaAST.Union, place: Place, above: ReadonlyMap<SchemaAST.AST, StructShape>): Slot {
    const members = membersOf(ast)
    const others = members.filter((each) => !isNothing(each))
    const none = others.length === members.length ? "never" : "null"
    const as = (shape: Shape): Slot => ({ shape, none })
    if (others.length === 0) return this.#json(place, "it is always null")
    if (others.length === 1) {
      const inner = this.#slot(others[0]!, place, above)
      if (none === "never" || inner.none === "never") return { ...inner, none: none === "never" ? inner.none : none }
      return inner.none === "null" ? inner : this.#json(place, "an Option of what may be null")
    }
    const literals = others.flatMap((each) => (SchemaAST.isLiteral(each) ? [each.literal] : []))
    if (literals.length === others.length) {
      if (literals.every((each) => typeof each === "boolean")) return as(scalar("Boolean").shape)
      if (literals.every((each) => typeof each === "string" || typeof each === "number")) {
        const values = literals.map((value) => ({ name: valueNameOf(String(value)), value }))
        return as(enumOf(place, values))
      }
    }
    const discriminator = discriminatorOf(others)
    if (discriminator !== undefined) {
      const members = others.map((each): MemberShape => {
        const value = constantAt(each, discriminator)!
        const at = { name: `${place.name}${upperFirst(value)}`, words: `${place.words}.${value}` }
        return { name: nameOf(value), value, struct: this.#slot(each, at, above).shape as StructShape }
      })
      distinct(
        place.words,
        members,
        ({ name }) => name,
        ({ value }) => `the kind ${JSON.stringify(value)}`
      )
      return as({ kind: "union", name: place.name, discriminator, members })
    }
    const slots = others.map((each) => (isSimple(each) ? this.#slot(each, place, above) : undefined))
    const [first] = slots
    const isOne = slots.every(
      (each) =>
        each?.none === "never" &&
        each.shape.kind === "scalar" &&
        first!.shape.kind === "scalar" &&
        each.shape.scalar === first!.shape.scalar
    )
    return isOne ? as(first!.shape) : this.#json(place, "a union without a field that tells its members apart")
  }
}

interface Property {
  readonly name: string
  readonly type: SchemaAST.AST
}

/** How deep schemas may be nested. */
const deepest = 60

const required = (shape: Shape): Slot => ({ shape, none: "never" })

const scalar = (name: ScalarName, isOpaque = false): Slot => required({ kind: "scalar", scalar: name, isOpaque })

const constant = (value: string | number | boolean): ConstantShape => ({
  kind: "constant",
  scalar:
    typeof value === "string"
      ? "String"
      : typeof value === "boolean"
        ? "Boolean"
        : Number.isSafeInteger(value)
          ? "SafeInt"
          : "Float",
  value
})

const enumOf = ({ name, words }: Place, values: EnumShape["values"]): EnumShape => {
  const unique = values.filter(({ value }, i) => values.findIndex((each) => each.value === value) === i)
  distinct(
    words,
    unique,
    (each) => each.name,
    ({ value }) => `the value ${JSON.stringify(value)}`
  )
  return { kind: "enum", name, values: unique }
}
