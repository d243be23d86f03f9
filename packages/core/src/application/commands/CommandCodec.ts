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
import { bounded, quote } from "../../domain/texts.ts"
import { canonicalJson } from "../../domain/json/canonicalJson.ts"
import * as encoder from "../../internal/encoder.ts"
import { memoized } from "../../internal/memoized.ts"
import { givenPart, inputProblem } from "./given.ts"
import { InvalidCommand } from "./errors.ts"

/** Decodes, encodes and fingerprints the commands of one aggregate. */
export interface CommandCodec<Id, Command> {
  /** An aggregate's id from a JSON value. */
  readonly decodeId: (id: unknown) => Result.Result<Id, InvalidCommand>
  /** A command from a JSON value. */
  readonly decode: (command: unknown) => Result.Result<Command, InvalidCommand>
  /** The JSON value of a command. Fails if the command satisfies its type but breaks its schema. */
  readonly encode: (command: Command) => Result.Result<Schema.Json, InvalidCommand>
  /**
   * The SHA-256 (hexadecimal) of the stream's name and the encoded command: equal
   * for equal commands. What decoding has added to the command, such as a default,
   * does not count.
   */
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
  const decodeId = Schema.decodeUnknownResult(Schema.toCodecJson(aggregate.schemas.id), { errors: "all" })
  const members = new Map(
    Array.from(aggregate.schemas.commands, ([tag, schema]) => {
      const decode = Schema.decodeUnknownResult(Schema.toCodecJson(schema), { errors: "all" })
      return [tag as string, { encode: encoder.make(schema), decode }]
    })
  )
  const target = aggregate.name
  const memberOf = (command: unknown) => {
    const tag = tagOf(command)
    const member = tag === undefined ? undefined : members.get(tag)
    if (member !== undefined) return Result.succeed(member)
    const found = tag === undefined ? "there is no _tag" : `the _tag is ${quote(tag)}`
    const detail = `${found}, expected one of ${[...members.keys()].join(", ")}`
    return Result.fail(new InvalidCommand({ target, part: "command", detail }))
  }
  const encode = (command: Command) =>
    Result.flatMap(memberOf(command), (member) => Result.mapError(member.encode(command), invalid(target, "command")))
  return {
    decodeId: (id) => decoding(target, "id", id, decodeId),
    decode: (command) =>
      Result.flatMap(memberOf(command), (member) => decoding(target, "command", command, member.decode)),
    encode,
    fingerprint: (streamId, command) => fingerprint(target, streamId, command, encode)
  }
}

/** Decodes, encodes and fingerprints the commands of one boundary. */
export interface BoundaryCommandCodec<Command> {
  /** A command from a JSON value. */
  readonly decode: (command: unknown) => Result.Result<Command, InvalidCommand>
  /** The JSON value of a command. Fails if the command satisfies its type but breaks its schema. */
  readonly encode: (command: Command) => Result.Result<Schema.Json, InvalidCommand>
  /**
   * The SHA-256 (hexadecimal) of the boundary's name and the encoded command: equal
   * for equal commands. What decoding has added to the command, such as a default,
   * does not count.
   */
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
    decode: (command) => decoding(name, "command", command, decode),
    encode,
    fingerprint: (command) => fingerprint(name, name, command, encode)
  }
}

const invalid = (target: string, part: "id" | "command") => (cause: Schema.SchemaError) =>
  new InvalidCommand({ target, part, detail: bounded(cause.message), cause })

// The JSON that a command was decoded from, so that its fingerprint can leave out what decoding has added.
const origins = new WeakMap<object, unknown>()

const decoding = <A>(
  target: string,
  part: "id" | "command",
  input: unknown,
  decode: (input: unknown) => Result.Result<A, Schema.SchemaError>
): Result.Result<A, InvalidCommand> => {
  const detail = inputProblem(input)
  if (detail !== undefined) return Result.fail(new InvalidCommand({ target, part, detail }))
  const decoded = Result.mapError(decode(input), invalid(target, part))
  if (part === "command" && Result.isSuccess(decoded) && isObject(decoded.success) && decoded.success !== input) {
    origins.set(decoded.success, input)
  }
  return decoded
}

const isObject = (value: unknown): value is object => typeof value === "object" && value !== null

const fingerprint = <Command extends Tagged>(
  target: string,
  place: string,
  command: Command,
  encode: (command: Command) => Result.Result<Schema.Json, InvalidCommand>
): Result.Result<string, InvalidCommand> => {
  const refused = (detail: string) => Result.fail(new InvalidCommand({ target, part: "command", detail }))
  // Before any work is done on the command: it may be huge.
  const detail = inputProblem(command)
  if (detail !== undefined) return refused(detail)
  return Result.flatMap(encode(command), (encoded) => {
    const tooLarge = inputProblem(encoded)
    if (tooLarge !== undefined) return refused(tooLarge)
    const origin = origins.get(command)
    return Result.succeed(
      fingerprintOf(place, givenPart(encoded, origin ?? command, origin === undefined ? "typed" : "json"))
    )
  })
}

const fingerprintOf = (place: string, encoded: Schema.Json): string =>
  bytesToHex(sha256(utf8ToBytes(canonicalJson([place, encoded]))))

const tagOf = (value: unknown): string | undefined =>
  typeof value === "object" && value !== null && "_tag" in value && typeof value._tag === "string"
    ? value._tag
    : undefined
