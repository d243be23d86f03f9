/** The translation between an aggregate's commands and JSON. */
import { sha256 } from "@noble/hashes/sha2.js"
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { Aggregate } from "../../domain/Aggregate.ts"
import type { Tagged } from "../../domain/tagged.ts"
import type { Boundary } from "../../domain/Boundary.ts"
import { canonicalJson } from "../../domain/canonicalJson.ts"
import * as encoder from "../../internal/encoder.ts"
import { memoized } from "../../internal/memoized.ts"
import { InvalidCommand } from "./errors.ts"

/** Decodes and fingerprints the commands of one aggregate. */
export interface CommandCodec<Id, Command> {
  readonly decodeId: (id: unknown) => Result.Result<Id, InvalidCommand>
  readonly decode: (command: unknown) => Result.Result<Command, InvalidCommand>
  /** The SHA-256 (hexadecimal) of the stream's name and the encoded command: equal for equal commands. */
  readonly fingerprint: (streamId: string, command: Command) => Result.Result<string, Schema.SchemaError>
}

/** The codec of an aggregate's commands. */
export const of = <Name extends string, Id, State, Command extends Tagged, Event extends Tagged, Error>(
  aggregate: Aggregate<Name, Id, State, Command, Event, Error>
): CommandCodec<Id, Command> => memoized(codecs, aggregate, () => make(aggregate))

const codecs = new WeakMap<object, unknown>()

const make = <Name extends string, Id, State, Command extends Tagged, Event extends Tagged, Error>(
  aggregate: Aggregate<Name, Id, State, Command, Event, Error>
): CommandCodec<Id, Command> => {
  const options = { errors: "all" } as const
  const decodeId = Schema.decodeUnknownResult(Schema.toCodecJson(aggregate.schemas.id), options)
  const members = new Map(
    Array.from(aggregate.schemas.commands, ([tag, schema]) => {
      const decode = Schema.decodeUnknownResult(Schema.toCodecJson(schema), options)
      return [tag as string, { encode: encoder.make(schema), decode }]
    })
  )
  const failed = (part: "id" | "command", detail: string, cause?: unknown) =>
    Result.fail(
      new InvalidCommand({ aggregate: aggregate.name, part, detail, ...(cause === undefined ? {} : { cause }) })
    )
  return {
    decodeId: (id) => {
      const decoded = decodeId(id)
      return Result.isFailure(decoded)
        ? failed("id", decoded.failure.message, decoded.failure)
        : Result.succeed(decoded.success)
    },
    decode: (command) => {
      const tag = tagOf(command)
      const member = tag === undefined ? undefined : members.get(tag)
      if (member === undefined) {
        const found = tag === undefined ? "there is no _tag" : `the _tag is ${JSON.stringify(tag)}`
        return failed("command", `${found}, expected one of ${[...members.keys()].join(", ")}`)
      }
      const decoded = member.decode(command)
      return Result.isFailure(decoded)
        ? failed("command", decoded.failure.message, decoded.failure)
        : Result.succeed(decoded.success)
    },
    fingerprint: (streamId, command) =>
      Result.map(members.get(command._tag)!.encode(command), (encoded) => fingerprintOf(streamId, encoded))
  }
}

/** Decodes and fingerprints the commands of one boundary. */
export interface BoundaryCommandCodec<Command> {
  readonly decode: (command: unknown) => Result.Result<Command, InvalidCommand>
  /** The SHA-256 (hexadecimal) of the boundary's name and the encoded command. */
  readonly fingerprint: (command: Command) => Result.Result<string, Schema.SchemaError>
}

/** The codec of a boundary's commands. */
export const ofBoundary = <Name extends string, Command extends Tagged, States, Event, Error>(
  boundary: Boundary<Name, Command, States, Event, Error>
): BoundaryCommandCodec<Command> => memoized(codecs, boundary, () => makeOfBoundary(boundary))

const makeOfBoundary = <Name extends string, Command extends Tagged, States, Event, Error>(
  boundary: Boundary<Name, Command, States, Event, Error>
): BoundaryCommandCodec<Command> => {
  const encode = encoder.make(boundary.command)
  const decode = Schema.decodeUnknownResult(Schema.toCodecJson(boundary.command), { errors: "all" })
  return {
    decode: (command) =>
      Result.mapError(decode(command), (cause) => {
        return new InvalidCommand({ aggregate: boundary.name, part: "command", detail: cause.message, cause })
      }),
    fingerprint: (command) => Result.map(encode(command), (encoded) => fingerprintOf(boundary.name, encoded))
  }
}

const fingerprintOf = (place: string, encoded: Schema.Json): string =>
  bytesToHex(sha256(utf8ToBytes(canonicalJson([place, encoded]))))

const tagOf = (value: unknown): string | undefined =>
  typeof value === "object" && value !== null && "_tag" in value && typeof value._tag === "string"
    ? value._tag
    : undefined
