/** The JSON Schemas of what stores keep of events: their data, without the tag, which is the type of the event. */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaAST from "effect/SchemaAST"
import * as SchemaRepresentation from "effect/SchemaRepresentation"
import { thrownText } from "../texts.ts"

/** JSON Schemas that share definitions. */
export interface Compiled {
  /** One for each schema that was given, in the same order. */
  readonly schemas: ReadonlyArray<Described>
  /** What the schemas refer to as `#/$defs/…`, by name: letters, digits, `_`, `-` and `.`. */
  readonly definitions: Readonly<Record<string, Schema.JsonObject>>
}

/** The JSON Schema of one event. */
interface Described {
  readonly schema: Schema.JsonObject
  /**
   * The fields that the JSON Schema does not describe, because their schemas do not tell what their JSON is; the empty
   * text stands for the whole event. Such a field may have any value in the JSON Schema.
   */
  readonly undescribed: ReadonlyArray<string>
}

type AnySchema = Schema.Codec<unknown, unknown>

/** The JSON Schemas of some events. No definition gets one of the names in `taken`. */
export const compiled = (schemas: ReadonlyArray<AnySchema>, taken: ReadonlySet<string> = new Set()): Compiled => {
  const roots = schemas.map(rootOf)
  const [first, ...others] = roots.map(({ ast }) => ast)
  if (first === undefined) return { schemas: [], definitions: {} }
  const compile = (all: readonly [SchemaAST.AST, ...Array<SchemaAST.AST>]) =>
    SchemaRepresentation.toJsonSchemaMultiDocument(
      SchemaRepresentation.toRepresentations(all, {
        referencePolicy: ({ identifier }) => {
          // A schema with a name is called after its JSON here, `MoneyEncoded` for `Money`.
          const name = identifier?.replace(/(?<=.)Encoded$/, "").replace(/[^A-Za-z0-9._-]/g, "_")
          return name === "" ? undefined : name !== undefined && taken.has(name) ? `${name}_` : name
        }
      })
    )
  const made = compile([first, ...others])
  return {
    // Effect makes JSON Schemas of JSON alone.
    schemas: roots.map(({ ast, undescribed }, i) => ({
      schema: isEmpty(ast) ? { type: "object" } : (made.schemas[i] as Schema.JsonObject),
      undescribed
    })),
    definitions: made.definitions as Compiled["definitions"]
  }
}

// Any value but null fits a schema without fields. The data of an event are an object.
const isEmpty = (ast: SchemaAST.AST): boolean =>
  SchemaAST.isObjects(ast) && ast.propertySignatures.length === 0 && ast.indexSignatures.length === 0

interface Root {
  readonly ast: SchemaAST.AST
  readonly undescribed: ReadonlyArray<string>
}

/** The JSON of an event's data as a schema. A schema of which Effect makes no JSON Schema is that of any JSON. */
const rootOf = (schema: AnySchema): Root =>
  Result.match(
    Result.try({
      try: () => {
        const ast = withoutTag(wireOf(Schema.toCodecJson(schema).ast))
        // It throws for what has no JSON Schema, here where it does not take the other events with it.
        Schema.toJsonSchemaDocument(Schema.make<AnySchema>(ast))
        return { ast, undescribed: opaqueIn(ast) }
      },
      catch: (cause) => cause
    }),
    {
      onFailure: (cause) => ({ ast: nothingKnown(thrownText(cause)), undescribed: [""] }),
      onSuccess: (root) => root
    }
  )

const nothingKnown = (why: string): SchemaAST.AST =>
  Schema.Json.annotate({ description: `This event has no JSON Schema: ${why}` }).ast

// The last schema on the way into JSON.
const wireOf = (ast: SchemaAST.AST): SchemaAST.AST => {
  let wire = ast
  while (wire.encoding !== undefined) wire = wire.encoding.at(-1)!.to
  return wire
}

const withoutTag = (ast: SchemaAST.AST): SchemaAST.AST => {
  if (!SchemaAST.isObjects(ast)) throw new Error(`its JSON is not an object with fields`)
  const { checks, indexSignatures, propertySignatures } = ast
  return new SchemaAST.Objects(
    propertySignatures.filter(({ name }) => name !== "_tag"),
    indexSignatures,
    undefined,
    checks
  )
}

/** The paths of declarations that do not say what their JSON is. */
const opaqueIn = (root: SchemaAST.AST): ReadonlyArray<string> => {
  const paths: Array<string> = []
  const seen = new Set<SchemaAST.AST>()
  const walk = (ast: SchemaAST.AST, path: string): void => {
    if (SchemaAST.isDeclaration(ast) && ast.encoding?.at(-1)?.to === anyJson) paths.push(path)
    const wire = wireOf(ast)
    if (seen.has(wire)) return
    seen.add(wire)
    const at = (name: string) => (path === "" ? name : `${path}.${name}`)
    switch (wire._tag) {
      case "Objects":
        for (const { name, type } of wire.propertySignatures) walk(type, at(String(name)))
        for (const { type } of wire.indexSignatures) walk(type, `${path}[key]`)
        return
      case "Arrays":
        for (const [i, each] of wire.elements.entries()) walk(each, `${path}[${i}]`)
        for (const each of wire.rest) walk(each, `${path}[]`)
        return
      case "Union":
        for (const each of wire.types) walk(each, path)
        return
      case "Suspend":
        // A schema that makes itself anew at each step has no end.
        if (seen.size <= mostSeen) walk(wire.thunk(), path)
        return
      default:
        return
    }
  }
  walk(root, "")
  return [...new Set(paths)]
}

const mostSeen = 10_000

// What a schema that does not tell its JSON is written as.
const anyJson = Schema.toCodecJson(Schema.Unknown).ast.encoding?.at(-1)?.to
