/**
 * The translation between commands and JSON. `Executor.executeUnknown` decodes
 * with it; use it directly to decode a command at the edge and execute it later.
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { Aggregate } from "../../domain/Aggregate.ts"
import type { Tagged } from "../../domain/tagged.ts"
import type { Boundary } from "../../domain/Boundary.ts"
import { bounded, quote } from "../../domain/texts.ts"
import { memoized } from "../../internal/memoized.ts"
import * as CommandForm from "./commandForm.ts"
import { inputProblem } from "./given.ts"
import { InvalidCommand } from "./errors.ts"

export type { CommandReadError, DecodeOptions } from "./commandForm.ts"

/** Decodes, encodes and fingerprints the commands of one aggregate. */
export interface CommandCodec<Id, Command> {
  /** An aggregate's id from a JSON value. */
  readonly decodeId: (id: unknown) => Result.Result<Id, InvalidCommand>
  /**
   * The current command that a JSON value becomes. A value of a former version says so in its member `_version`; without
   * this member it is version 1.
   */
  readonly decode: (
    command: unknown,
    options?: CommandForm.DecodeOptions
  ) => Result.Result<Command, CommandForm.CommandReadError>
  /**
   * The JSON value of a command, with its `_version` if it is a later one than the first. Fails if the command satisfies
   * its type but breaks its schema.
   */
  readonly encode: (command: Command) => Result.Result<Schema.Json, InvalidCommand>
  /**
   * The SHA-256 (hexadecimal) of the stream's name and the encoded command: equal
   * for equal commands. What decoding has added to the command, such as a default,
   * does not count. Of a decoded command, what the client has sent counts, and its version: a step to a later version
   * changes nothing about it.
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
  const { commands, id, sent } = aggregate.schemas
  const decodeId = Schema.decodeUnknownResult(Schema.toCodecJson(id), { errors: "all" })
  const target = aggregate.name
  const forms = new Map(
    Array.from(commands, ([tag, schema]) => [tag as string, CommandForm.make(target, schema, sent.get(tag))])
  )
  const formOf = (command: unknown) => {
    const tag = CommandForm.tagOf(command)
    const form = tag === undefined ? undefined : forms.get(tag)
    if (form !== undefined) return Result.succeed(form)
    const found = tag === undefined ? "there is no _tag" : `the _tag is ${quote(tag)}`
    const detail = `${found}, expected one of ${[...forms.keys()].join(", ")}`
    return Result.fail(new InvalidCommand({ target, part: "command", detail }))
  }
  return {
    decodeId: (id) => {
      const refused = (detail: string, cause: { readonly cause?: Schema.SchemaError } = {}) =>
        new InvalidCommand({ target, part: "id", detail, ...cause })
      const problem = inputProblem(id)
      if (problem !== undefined) return Result.fail(refused(problem))
      return Result.mapError(decodeId(id), (cause) => refused(bounded(cause.message), { cause }))
    },
    decode: (command, options) => Result.flatMap(formOf(command), ({ decode }) => decode(command, options)),
    encode: (command) => Result.flatMap(formOf(command), ({ encode }) => encode(command)),
    fingerprint: (streamId, command) =>
      Result.map(
        Result.flatMap(formOf(command), ({ meant }) => meant(command)),
        (json) => CommandForm.fingerprintOf(streamId, json)
      )
  }
}

/** Decodes, encodes and fingerprints the commands of one boundary. */
export interface BoundaryCommandCodec<Command> {
  /**
   * The current command that a JSON value becomes. A value of a former version says so in its member `_version`; without
   * this member it is version 1.
   */
  readonly decode: (
    command: unknown,
    options?: CommandForm.DecodeOptions
  ) => Result.Result<Command, CommandForm.CommandReadError>
  /**
   * The JSON value of a command, with its `_version` if it is a later one than the first. Fails if the command satisfies
   * its type but breaks its schema.
   */
  readonly encode: (command: Command) => Result.Result<Schema.Json, InvalidCommand>
  /**
   * The SHA-256 (hexadecimal) of the boundary's name and the encoded command: equal
   * for equal commands. What decoding has added to the command, such as a default,
   * does not count. Of a decoded command, what the client has sent counts, and its version: a step to a later version
   * changes nothing about it.
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
  const { command, name, sent } = boundary
  const { decode, encode, meant } = CommandForm.make(name, command, sent)
  return {
    decode,
    encode,
    fingerprint: (command) => Result.map(meant(command), (json) => CommandForm.fingerprintOf(name, json))
  }
}
