/**
 * Whether the JSON of a schema has one meaning. A union encodes with the first
 * member that fits a value, and decodes with the first member that fits the JSON.
 * Where these are two members, a value comes back as another one.
 */
import * as Schema from "effect/Schema"
import * as SchemaAST from "effect/SchemaAST"
import * as SchemaTransformation from "effect/SchemaTransformation"

/** `sure` if every value comes back as it was; `unsure` if that depends on the value. */
export type Meaning = "sure" | "unsure"

/** Judges a schema. Throws an `Error` with the path of a union whose members have the same JSON. */
export const judge = (where: string, schema: Schema.Codec<unknown, unknown>): Meaning => {
  const seen = new Set<SchemaAST.AST>()
  let meaning: Meaning = "sure"
  let suspended = 0

  const walk = (ast: SchemaAST.AST, path: string): void => {
    if (!isReversible(ast)) meaning = "unsure"
    const second = secondNullOf(ast)
    if (second !== undefined) throw new Error(message(path, second, Schema.Null.ast, "null"))
    const encoded = wireOf(ast)
    if (seen.has(encoded)) return
    seen.add(encoded)
    switch (encoded._tag) {
      case "Objects":
        for (const { name, type } of encoded.propertySignatures) walk(type, `${path}.${String(name)}`)
        for (const { parameter, type } of encoded.indexSignatures) {
          walk(parameter, `${path}[key]`)
          walk(type, `${path}[key]`)
        }
        return
      case "Arrays":
        for (const [i, each] of encoded.elements.entries()) walk(each, `${path}[${i}]`)
        for (const each of encoded.rest) walk(each, `${path}[]`)
        return
      case "Suspend":
        // A schema that makes itself anew at each step has no end.
        if (++suspended <= mostSuspended) return walk(encoded.thunk(), path)
        meaning = "unsure"
        return
      case "Union": {
        const { types } = encoded
        for (const [i, first] of types.entries()) {
          for (const second of types.slice(i + 1)) {
            const clash = takenFor(first, second) ? "object" : clashOf(first, second)
            // A date without members of its own is an empty record too, and the first member that takes a value encodes it.
            const mayTakeInstance = SchemaAST.isObjects(first) && SchemaAST.isDeclaration(second)
            if (clash === "unsure" || mayTakeInstance) meaning = "unsure"
            if (clash !== undefined && clash !== "unsure") throw new Error(message(path, first, second, clash))
          }
          walk(first, path)
        }
        return
      }
      // What a declaration without a codec keeps is not known, but for JSON itself.
      case "Declaration":
        if (encoded !== wireOf(Schema.Json.ast)) meaning = "unsure"
        return
      // An instance of a class loses its class here.
      case "Unknown":
      case "Any":
      case "ObjectKeyword":
        meaning = "unsure"
        return
      default:
        return
    }
  }

  const message = (path: string, first: SchemaAST.AST, second: SchemaAST.AST, kind: string) =>
    `${where}${path}: ${nameOf(first)} and ${nameOf(second)} are both written as ${kind} in JSON, so one may come back as the other; ` +
    (kind === "null"
      ? "use Schema.optionalKey, Schema.Option, or only one of null and undefined"
      : "use a union of structs with a _tag each")

  walk(Schema.toCodecJson(schema).ast, "")
  return meaning
}

const mostSuspended = 100

// The transformations of Effect that write each value in a way of its own.
const reversible: ReadonlySet<unknown> = new Set(
  [
    Schema.NumberFromString,
    Schema.FiniteFromString,
    Schema.BigIntFromString,
    Schema.BigDecimalFromString,
    Schema.DateFromString,
    Schema.DateFromMillis,
    Schema.DateTimeUtcFromString,
    Schema.DateTimeUtcFromMillis,
    Schema.URLFromString,
    Schema.Trim
  ].flatMap(({ ast }) => [
    ...(ast.encoding ?? []).map(({ transformation }) => transformation),
    SchemaTransformation.passthrough()
  ])
)

const nameOf = (ast: SchemaAST.AST): string => {
  const identifier = ast.annotations?.["identifier"]
  const constructed = ast.annotations?.["expected"]
  return typeof identifier === "string" ? identifier : typeof constructed === "string" ? constructed : ast._tag
}

// The schema of the JSON of a schema. Its members may be encoded further.
const wireOf = (ast: SchemaAST.AST): SchemaAST.AST => {
  let wire = ast
  while (wire.encoding !== undefined) wire = wire.encoding[0]!.to
  return wire
}

// The kind of JSON that both certainly have, "unsure", or undefined if no value is taken for another.
const clashOf = (first: SchemaAST.AST, second: SchemaAST.AST): string | undefined => {
  const [a, b] = [formsOf(first), formsOf(second)]
  if (a === undefined || b === undefined) return "unsure"
  let clash: "unsure" | undefined
  for (const one of a) {
    for (const other of b) {
      if (one.kind !== other.kind) continue
      if (one.kind === "object" || one.kind === "array") {
        if (one.kind === "array" || !haveOtherTags(one.ast, other.ast)) clash = "unsure"
        continue
      }
      // Two members that write their values as they are give the same value back.
      if (!one.changes && !other.changes) continue
      if (one.literal !== undefined && other.literal !== undefined && one.literal !== other.literal) continue
      if (one.isAny || other.isAny) {
        // Of a literal only the values of the other member can be taken for it.
        const literal = one.literal !== undefined || other.literal !== undefined
        if (!literal || one.changes === other.changes || (one.isAny ? !one.changes : !other.changes)) return one.kind
      }
      clash = "unsure"
    }
  }
  return clash
}

interface Form {
  readonly kind: "string" | "number" | "boolean" | "null" | "array" | "object"
  readonly ast: SchemaAST.AST
  /** Whether every JSON value of the kind fits. */
  readonly isAny: boolean
  readonly literal: SchemaAST.LiteralValue | null | undefined
  /** Whether the value is another one than its JSON. */
  readonly changes: boolean
}

const formsOf = (ast: SchemaAST.AST, changes = false): ReadonlyArray<Form> | undefined => {
  const isChanged = changes || ast.encoding !== undefined
  const wire = wireOf(ast)
  const form = (
    kind: Form["kind"],
    isAny = wire.checks === undefined,
    literal?: Form["literal"]
  ): ReadonlyArray<Form> => [{ kind, ast: wire, isAny, literal, changes: isChanged }]
  switch (wire._tag) {
    case "String":
      return form("string")
    case "TemplateLiteral":
      return form("string", false)
    case "Number":
      return form("number")
    case "Boolean":
      return form("boolean")
    case "Null":
      return form("null", true)
    case "Literal":
      return form(typeof wire.literal as Form["kind"], false, wire.literal)
    case "Arrays":
      return form("array")
    case "Objects":
      return form("object")
    case "Union": {
      const forms: Array<Form> = []
      for (const member of wire.types) {
        const some = formsOf(member, isChanged)
        if (some === undefined) return undefined
        forms.push(...some)
      }
      // A number writes itself as it is, but for the names of those that JSON lacks.
      return SchemaAST.isNumber(ast)
        ? forms.map((each) => (each.kind === "number" ? { ...each, changes } : each))
        : forms
    }
    default:
      return undefined
  }
}

/** Whether the order of a union's members has no meaning: no value, and no JSON, fits two of them. */
export const isUnordered = ({ types }: SchemaAST.Union): boolean =>
  types.every((each) => SchemaAST.isLiteral(each)) ||
  types.every((first, i) =>
    types
      .slice(i + 1)
      .every((second) => clashOf(first, second) === undefined && !takenFor(first, second) && !takenFor(second, first))
  )

/** Whether a schema is a class, whose instances are written as their fields. */
export const isClass = (ast: SchemaAST.AST): boolean =>
  SchemaAST.isDeclaration(ast) && ast.annotations !== undefined && "~constructor" in ast.annotations

// A transformation that somebody wrote may write two values in one way.
const isReversible = (ast: SchemaAST.AST): boolean =>
  ast.encoding === undefined ||
  isClass(ast) ||
  ast.encoding.every(({ to, transformation }) => reversible.has(transformation) && isReversible(to))

// The member of an Option that is written as null, as None is. The Option must then be written in another way.
const secondNullOf = (ast: SchemaAST.AST): SchemaAST.AST | undefined => {
  const { representation } = (ast.annotations ?? {}) as { readonly representation?: { readonly id?: unknown } }
  const written = ast.encoding?.[0]?.to
  if (representation?.id !== "effect/schema/Option" || written === undefined || !SchemaAST.isUnion(written))
    return undefined
  const others = written.types.filter((each) => !SchemaAST.isNull(each) || each.encoding !== undefined)
  return others.length === written.types.length
    ? undefined
    : others.find((each) => formsOf(each)?.some(({ kind }) => kind === "null"))
}

// The objects of a union's first member take each JSON of the second one, and have another class or fewer fields.
const takenFor = (first: SchemaAST.AST, second: SchemaAST.AST): boolean => {
  const [a, b] = [wireOf(first), wireOf(second)]
  if (!SchemaAST.isObjects(a) || !SchemaAST.isObjects(b) || !takes(a, b)) return false
  if (first !== second && (isClass(first) || isClass(second))) return true
  return b.propertySignatures.some(({ name }) => a.propertySignatures.every((own) => own.name !== name))
}

const takes = (a: SchemaAST.Objects, b: SchemaAST.Objects): boolean =>
  a.checks === undefined &&
  a.indexSignatures.length === 0 &&
  b.indexSignatures.length === 0 &&
  a.propertySignatures.every(({ name, type }) => {
    const other = b.propertySignatures.find((each) => each.name === name)?.type
    if (other === undefined) return type.context?.isOptional === true
    if (other.context?.isOptional === true && type.context?.isOptional !== true) return false
    const [own, others] = [formsOf(type), formsOf(other)]
    return (
      type === other ||
      (own !== undefined &&
        others?.every(({ kind, literal }) =>
          own.some((form) =>
            form.literal === undefined
              ? form.kind === kind && form.isAny && kind !== "object" && kind !== "array"
              : form.literal === literal
          )
        ) === true)
    )
  })

const haveOtherTags = (first: SchemaAST.AST, second: SchemaAST.AST): boolean => {
  const [a, b] = [literalsOf(first), literalsOf(second)]
  for (const [name, literals] of a) {
    const others = b.get(name)
    if (others !== undefined && !literals.some((literal) => others.includes(literal))) return true
  }
  return false
}

const literalsOf = (ast: SchemaAST.AST): ReadonlyMap<PropertyKey, ReadonlyArray<unknown>> => {
  const literals = new Map<PropertyKey, ReadonlyArray<unknown>>()
  if (!SchemaAST.isObjects(ast)) return literals
  for (const { name, type } of ast.propertySignatures) {
    if (type.context?.isOptional === true) continue
    const forms = formsOf(type)
    if (forms?.every(({ literal }) => literal !== undefined) === true) {
      literals.set(
        name,
        forms.map(({ literal }) => literal)
      )
    }
  }
  return literals
}
