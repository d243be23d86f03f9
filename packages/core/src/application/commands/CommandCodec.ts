/**
 * The translation between commands and JSON. `Executor.executeUnknown` decodes
 * with it; use it directly to decode a command at the edge and execute it later.
 */
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

/** Decodes, encodes and fingerprints the commands of one aggregate. */
export interface CommandCodec<Id, Command> {
  /** An aggregate's id from a JSON value. */
  readonly decodeId: (id: unknown) => Result.Result<Id, InvalidCommand>
  /** A command from a JSON value. */
  readonly decode: (command: unknown) => Result.Result<Command, InvalidCommand>
  /** The JSON value of a command. Fails if the command satisfies its type but breaks its schema. */
  readonly encode: (command: Command) => Result.Result<Schema.Json, InvalidCommand>
  /** The SHA-256 (hexadecimal) of the stream's name and the encoded command: equal for equal commands. */
  readonly fingerprint: (streamId: string, command: Command) => Result.Result<string, InvalidCommand>
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
  const target = aggregate.name
  const memberOf = (command: unknown) => {
    const tag = tagOf(command)
    const member = tag === undefined ? undefined : members.get(tag)
    if (member !== undefined) return Result.succeed(member)
    const found = tag === undefined ? "there is no _tag" : `the _tag is ${JSON.stringify(tag)}`
    const detail = `${found}, expected one of ${[...members.keys()].join(", ")}`
    return Result.fail(new InvalidCommand({ target, part: "command", detail }))
  }
  const encode = (command: Command) =>
    Result.flatMap(memberOf(command), (member) => Result.mapError(member.encode(command), invalid(target, "command")))
  return {
    decodeId: (id) => Result.mapError(decodeId(id), invalid(target, "id")),
    decode: (command) =>
      Result.flatMap(memberOf(command), (member) =>
        Result.mapError(member.decode(command), invalid(target, "command"))
      ),
    encode,
    fingerprint: (streamId, command) => Result.map(encode(command), (encoded) => fingerprintOf(streamId, encoded))
  }
}

/** Decodes, encodes and fingerprints the commands of one boundary. */
export interface BoundaryCommandCodec<Command> {
  /** A command from a JSON value. */
  readonly decode: (command: unknown) => Result.Result<Command, InvalidCommand>
  /** The JSON value of a command. Fails if the command satisfies its type but breaks its schema. */
  readonly encode: (command: Command) => Result.Result<Schema.Json, InvalidCommand>
  /** The SHA-256 (hexadecimal) of the boundary's name and the encoded command: equal for equal commands. */
  readonly fingerprint: (command: Command) => Result.Result<string, InvalidCommand>
}

/** The codec of a boundary's commands. */
export const ofBoundary = <Name extends string, Command extends Tagged, States, Event, Error>(
  boundary: Boundary<Name, Command, States, Event, Error>
): BoundaryCommandCodec<Command> => memoized(codecs, boundary, () => makeOfBoundary(boundary))

const makeOfBoundary = <Name extends string, Command extends Tagged, States, Event, Error>(
  boundary: Boundary<Name, Command, States, Event, Error>
): BoundaryCommandCodec<Command> => {
  const { name } = boundary
  const encodeJson = encoder.make(boundary.command)
  const decode = Schema.decodeUnknownResult(Schema.toCodecJson(boundary.command), { errors: "all" })
  const encode = (command: Command) => Result.mapError(encodeJson(command), invalid(name, "command"))
  return {
    decode: (command) => Result.mapError(decode(command), invalid(name, "command")),
    encode,
    fingerprint: (command) => Result.map(encode(command), (encoded) => fingerprintOf(name, encoded))
  }
}

const invalid = (target: string, part: "id" | "command") => (cause: Schema.SchemaError) =>
  new InvalidCommand({ target, part, detail: cause.message, cause })

const fingerprintOf = (place: string, encoded: Schema.Json): string =>
  bytesToHex(sha256(utf8ToBytes(canonicalJson([place, encoded]))))

const tagOf = (value: unknown): string | undefined =>
  typeof value === "object" && value !== null && "_tag" in value && typeof value._tag === "string"
    ? value._tag
    : undefined
