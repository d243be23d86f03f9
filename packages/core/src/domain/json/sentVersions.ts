/** How a command says with which version of its schema a client has made it. */
import * as Schema from "effect/Schema"
import * as SchemaAST from "effect/SchemaAST"
import { checked, currentOf, type Declaration, type Versioned, versionsOf } from "../storedTypes.ts"
import { type AnySchema, tagOf } from "../tagged.ts"
import { type Chain, isChain } from "../Versions.ts"

/** The member of a command's JSON that has its version. Without it the version is 1. */
export const versionMember = "_version"

/** The kinds of commands that have several versions, by tag. A command with a field called `_version` is a mistake in the program and throws. */
export const sentOf = (name: string, declared: ReadonlyArray<Declaration>): ReadonlyMap<string, Versioned> => {
  for (const each of declared) refuseReserved(`${name}, commands ${tagOf(name, "commands", currentOf(each))}`, each)
  return versionsOf(name, "commands", declared)
}

/** The versions of a boundary's command; undefined if it has one. */
export const sentTo = <S extends AnySchema>(name: string, declared: S | Chain<S>): Versioned | undefined => {
  refuseReserved(`${name}, command`, declared)
  if (!isChain(declared) || declared.versions.length === 1) return undefined
  const { current, version, versions } = declared
  return { version, versions: checked(name, "command", tagOf(name, "command", current), versions) }
}

const refuseReserved = (where: string, declared: AnySchema | Chain<AnySchema>): void => {
  const schemas = isChain(declared) ? declared.versions.map(({ schema }) => schema) : [declared]
  if (schemas.some((schema) => hasVersion(SchemaAST.toEncoded(Schema.toCodecJson(schema).ast)))) {
    throw new Error(`${where}: ${versionMember} is the version of a command, so none of its fields can have this name`)
  }
}

const hasVersion = (ast: SchemaAST.AST): boolean =>
  SchemaAST.isUnion(ast)
    ? ast.types.some(hasVersion)
    : SchemaAST.isObjects(ast) && ast.propertySignatures.some(({ name }) => name === versionMember)
