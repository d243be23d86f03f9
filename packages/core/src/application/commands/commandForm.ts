/** How the commands of one kind are read and written: each version by its own schema, then step by step. */
import { sha256 } from "@noble/hashes/sha2.js"
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { canonicalJson } from "../../domain/json/canonicalJson.ts"
import { versionMember } from "../../domain/json/sentVersions.ts"
import type { Versioned } from "../../domain/storedTypes.ts"
import type { Tagged } from "../../domain/tagged.ts"
import { bounded, thrownText } from "../../domain/texts.ts"
import { stepsFrom } from "../../domain/Versions.ts"
import * as encoder from "../../internal/encoder.ts"
import { refusedBySchema } from "../../internal/refusedBySchema.ts"
import { InvalidDecision } from "../events/errors.ts"
import { InvalidCommand, UnknownCommandVersion } from "./errors.ts"
import { givenPart, inputProblem } from "./given.ts"

/** Why a command from outside cannot be read. */
export type CommandReadError = InvalidCommand | UnknownCommandVersion | InvalidDecision

/** How a command is decoded. */
export interface DecodeOptions {
  /**
   * Whether the command may be executed under an id: true by default. Then its JSON is kept for its fingerprint, which
   * takes 4 µs. A command that is decoded with false, and then executed under an id, has the fingerprint of a typed one.
   */
  readonly isNamed?: boolean
}

/** Reads and writes the commands of one kind. */
export interface CommandForm<Command> {
  /** The current command that a JSON value of any version becomes. */
  readonly decode: (json: unknown, options?: DecodeOptions) => Result.Result<Command, CommandReadError>
  /** The JSON of a command, with its version. */
  readonly encode: (command: Command) => Result.Result<Schema.Json, InvalidCommand>
  /** The JSON that tells whether two commands are the same: what a client has sent, or what the program gives. */
  readonly meant: (command: Command) => Result.Result<Schema.Json, InvalidCommand>
}

/** What a client has sent. */
interface Sent {
  readonly json: unknown
  readonly version: number
  /** What its version has decoded, as JSON again. */
  readonly encode: () => Result.Result<Schema.Json, Schema.SchemaError>
}

// Kept so that the fingerprint of a command can leave out what decoding, or a step to the next version, has added.
const origins = new WeakMap<object, Sent>()

/** Compiles the schemas of one kind of command. */
export const make = <Command extends Tagged>(
  target: string,
  schema: Schema.Codec<Command, unknown>,
  sent: Versioned | undefined
): CommandForm<Command> => {
  const { version: present, versions } = sent ?? { version: 1, versions: [{ schema, step: undefined }] }
  const invalid = (detail: string, cause?: unknown) =>
    new InvalidCommand({ target, part: "command", detail, ...(cause === undefined ? {} : { cause }) })
  const encodeCurrent = encoder.make(schema)
  const decodeCurrent = decoder(schema)
  const forms = versions.map(({ schema }, i) => ({
    decode: decoder(schema),
    encode: encoder.make(schema),
    steps: stepsFrom(versions, i + 1, present)
  }))

  /** The current command, as if a client had sent it. What a step gives may break its schema, or have surplus members. */
  const upcast = (
    version: number,
    steps: (value: unknown) => unknown,
    decoded: unknown
  ): Result.Result<Command, CommandReadError> => {
    const refused = (cause: Schema.SchemaError) =>
      invalid(`version ${version} as version ${present}: ${bounded(cause.message)}`, cause)
    // The author of an aggregate writes the steps, and they may throw or give anything.
    const made = Result.try({ try: () => steps(decoded) as Command, catch: (cause) => cause })
    if (Result.isSuccess(made)) {
      return Result.mapError(Result.flatMap(encodeCurrent(made.success), decodeCurrent), refused)
    }
    const cause = made.failure
    // The constructor of a class throws it: a former command that is not possible any more.
    const impossible = refusedBySchema(cause)
    if (impossible !== undefined) return Result.fail(refused(impossible))
    const detail = `version ${version} of a command: a step has thrown: ${thrownText(cause)}`
    return Result.fail(new InvalidDecision({ target, detail, cause }))
  }

  return {
    decode: (input, { isNamed = true } = {}) => {
      const problem = inputProblem(input, true)
      if (problem !== undefined) return Result.fail(invalid(problem))
      const version = versionIn(input)
      if (!isVersion(version)) {
        const found = typeof version === "number" ? String(version) : `a ${typeof version}`
        const detail = `${versionMember}: ${found} is not a whole number from 1 on`
        return Result.fail(invalid(detail))
      }
      const form = forms[version - 1]
      if (form === undefined) {
        const facts = { target, command: tagOf(input) ?? target, schemaVersion: version, known: forms.length }
        return Result.fail(new UnknownCommandVersion(facts))
      }
      const json = withoutVersion(input)
      const decoded = form.decode(json)
      if (Result.isFailure(decoded)) {
        const text = bounded(decoded.failure.message)
        return Result.fail(invalid(forms.length === 1 ? text : `version ${version}: ${text}`, decoded.failure))
      }
      const { steps } = form
      const current =
        steps === undefined ? Result.succeed(decoded.success as Command) : upcast(version, steps, decoded.success)
      if (isNamed && Result.isSuccess(current) && isObject(current.success) && current.success !== json) {
        origins.set(current.success, { json, version, encode: () => form.encode(decoded.success) })
      }
      return current
    },

    encode: (command) =>
      Result.mapBoth(encodeCurrent(command), {
        onFailure: (cause) => invalid(bounded(cause.message), cause),
        onSuccess: (encoded) => withVersion(encoded, present)
      }),

    meant: (command) => {
      // Before any work is done on the command: it may be huge.
      const problem = inputProblem(command)
      if (problem !== undefined) return Result.fail(invalid(problem))
      const origin = origins.get(command)
      const encoded = origin === undefined ? encodeCurrent(command) : origin.encode()
      if (Result.isFailure(encoded)) return Result.fail(invalid(bounded(encoded.failure.message), encoded.failure))
      const tooLarge = inputProblem(encoded.success)
      if (tooLarge !== undefined) return Result.fail(invalid(tooLarge))
      const given =
        origin === undefined
          ? givenPart(encoded.success, command, "typed")
          : givenPart(encoded.success, origin.json, "json")
      return Result.succeed(withVersion(given, origin?.version ?? present))
    }
  }
}

const decoder = <A>(schema: Schema.Codec<A, unknown>) =>
  Schema.decodeUnknownResult(Schema.toCodecJson(schema), { errors: "all" })

/** The tag that a JSON value has. */
export const tagOf = (value: unknown): string | undefined =>
  isObject(value) && "_tag" in value && typeof value._tag === "string" ? value._tag : undefined

const isObject = (value: unknown): value is object => typeof value === "object" && value !== null

const hasVersion = (json: unknown): json is { readonly [versionMember]: unknown } =>
  isObject(json) && Object.hasOwn(json, versionMember) && json[versionMember as never] !== undefined

// A client that has never heard of versions sends the first one and does not say so.
const versionIn = (json: unknown): unknown => (hasVersion(json) ? json[versionMember] : 1)

const isVersion = (version: unknown): version is number => Number.isSafeInteger(version) && Number(version) >= 1

const withoutVersion = (json: unknown): unknown => {
  if (!hasVersion(json)) return json
  const { [versionMember]: _, ...rest } = json
  return rest
}

/** JSON with its version. Version 1 is not said: its commands are the same as before there were versions. */
const withVersion = (json: Schema.Json, version: number): Schema.Json =>
  version === 1 ? json : { ...(json as Schema.JsonObject), [versionMember]: version }

/** The SHA-256 (hexadecimal) of what is meant for a place, such as a stream or a boundary. */
export const fingerprintOf = (place: string, meant: Schema.Json): string =>
  bytesToHex(sha256(utf8ToBytes(canonicalJson([place, meant]))))
