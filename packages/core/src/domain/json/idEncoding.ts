import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaAST from "effect/SchemaAST"
import { canonicalJson } from "./canonicalJson.ts"
import * as StreamId from "../StreamId.ts"

/**
 * The names of the streams of an aggregate, from and to its typed ids. An id
 * that always encodes to a string is written as it is. Any other id is written
 * as JSON, so that 1 and "1" differ.
 */
export const streamIds = <Id>(name: string, schema: Schema.Codec<Id, unknown>) => {
  const codec = Schema.toCodecJson(schema)
  const isText = encodesToString(SchemaAST.toEncoded(codec.ast))
  const encode = isPlainText(schema.ast) ? textOf : Schema.encodeSync(codec)
  const decode = Schema.decodeUnknownResult(isText ? codec : Schema.fromJsonString(codec))
  return {
    streamId: (id: Id): StreamId.StreamId => {
      const encoded = encode(id)
      return StreamId.make(name, isText ? (encoded as string) : canonicalJson(encoded))
    },
    idOf: (streamId: StreamId.StreamId): Option.Option<Id> =>
      Option.flatMap(StreamId.parse(streamId), (parts) =>
        parts.aggregate === name ? Result.getSuccess(decode(parts.id)) : Option.none()
      )
  }
}

// Most ids are texts of any kind, which encode to themselves.
const isPlainText = (ast: SchemaAST.AST): boolean =>
  SchemaAST.isString(ast) && ast.checks === undefined && ast.encoding === undefined

const textOf = (id: unknown): string => {
  if (typeof id !== "string") throw new TypeError(`Expected string, got ${String(id)}`)
  return id
}

const encodesToString = (ast: SchemaAST.AST): boolean =>
  SchemaAST.isUnion(ast)
    ? ast.types.every(encodesToString)
    : SchemaAST.isString(ast) ||
      SchemaAST.isTemplateLiteral(ast) ||
      (SchemaAST.isLiteral(ast) && typeof ast.literal === "string")
