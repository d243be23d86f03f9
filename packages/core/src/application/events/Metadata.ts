/**
 * What is known about an event besides its content: the command that caused it,
 * the person or system that it was executed for, the conversation that it
 * belongs to, and the fields that an application adds.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { Metadata } from "../../domain/metadata.ts"
import { thrownText } from "../../domain/texts.ts"
import { type Chain, isChain, stepsFrom } from "../../domain/Versions.ts"
import * as encoder from "../../internal/encoder.ts"
import { refusedBySchema } from "../../internal/refusedBySchema.ts"
import { MetadataDecodeError, type MetadataReadError, UnknownMetadata } from "./errors.ts"

export type { Metadata, MetadataReadError }

/** A value of a field that an application adds. */
export interface Setting {
  readonly name: string
  readonly value: Schema.Json
  /** The version of the field's Schema, from 1 on; 1 if not given. */
  readonly schemaVersion?: number
}

/** A typed field that an application adds, made by {@link field}. */
export interface Field<A> {
  readonly name: string
  /** The field with a value, for {@link with}. Throws a `SchemaError` if the value breaks the schema. */
  readonly set: (value: A) => Setting
  /**
   * The field's current value in the metadata of an event, whatever version it was written with; none if it was not
   * set. A handler of a view may throw the failure: before a version that only a newer program knows, the view waits.
   */
  readonly get: (metadata: Metadata) => Result.Result<Option.Option<A>, MetadataReadError>
}

/**
 * Declares a field that an application adds. A field that has changed has a chain of versions in place of its Schema.
 *
 * @example
 * ```ts
 * import { Metadata, Versions } from "@hexfold/core"
 * import { Schema } from "effect"
 *
 * const Tenant = Metadata.field("tenant", Schema.String)
 *
 * Tenant.get({ correlationId: "c", causationId: "c", fields: { tenant: "acme" } }) // Result.succeed(Option.some("acme"))
 *
 * const Device = Metadata.field(
 *   "device",
 *   Versions.first(Schema.String).next(Schema.Struct({ name: Schema.String }), (name) => ({ name }))
 * )
 *
 * Device.get({ correlationId: "c", causationId: "c", fields: { device: "till 3" } }) // Result.succeed(Option.some({ name: "till 3" }))
 * ```
 */
export const field = <A>(
  name: string,
  schema: Schema.Codec<A, unknown> | Chain<Schema.Codec<A, unknown>>
): Field<A> => {
  const { current, version, versions } = isChain(schema)
    ? schema
    : { current: schema, version: 1, versions: [{ schema, step: undefined }] }
  const encode = Schema.encodeSync(Schema.toCodecJson(current))
  // What a step gives is taken as a store would give it back.
  const keep = encoder.make(current)
  const kept = Schema.decodeUnknownResult(Schema.toCodecJson(current))
  const forms = versions.map(({ schema }, i) => ({
    decode: Schema.decodeUnknownResult(Schema.toCodecJson(schema)),
    steps: stepsFrom(versions, i + 1, version)
  }))
  const read = (value: Schema.Json, written: number): Result.Result<A, MetadataReadError> => {
    const form = forms[written - 1]
    if (form === undefined) {
      return Result.fail(new UnknownMetadata({ field: name, schemaVersion: written, known: forms.length }))
    }
    const { decode, steps } = form
    const textOf = (cause: unknown) => thrownText(refusedBySchema(cause) ?? cause)
    const failed = (what: string, cause: unknown) =>
      new MetadataDecodeError({ field: name, schemaVersion: written, detail: `${what}${textOf(cause)}`, cause })
    const decoded = Result.mapError(decode(value), (cause) => failed("", cause))
    if (Result.isFailure(decoded) || steps === undefined) return decoded as Result.Result<A, MetadataReadError>
    // The program writes the steps, and they may throw or give anything.
    const made = Result.try({ try: () => steps(decoded.success) as A, catch: (cause) => cause })
    if (Result.isFailure(made)) return Result.fail(failed("a step has thrown: ", made.failure))
    return Result.mapError(Result.flatMap(keep(made.success), kept), (cause) =>
      failed("a step gives a value that does not match the schema: ", cause)
    )
  }
  return {
    name,
    set: (value) => ({ name, value: encode(value), ...(version === 1 ? {} : { schemaVersion: version }) }),
    get: ({ fields, versions }) => {
      if (fields === undefined || !Object.hasOwn(fields, name)) return Result.succeed(Option.none())
      const written = versions !== undefined && Object.hasOwn(versions, name) ? versions[name]! : 1
      return Result.map(read(fields[name]!, written), Option.some)
    }
  }
}

/** What a program says about the commands that it executes; see {@link with}. */
export interface Settings {
  /** Names the conversation. By default the trace id if the program is traced, else the causation id. */
  readonly correlationId?: string
  /** Names what caused the events. By default the command's id, or the id of the command's first event. */
  readonly causationId?: string
  /** The person or system that the commands are executed for. */
  readonly actor?: string
  /** Values of the application's own fields. */
  readonly fields?: ReadonlyArray<Setting>
}

/** The settings in force. */
export const Current = Context.Reference<Omit<Metadata, "correlationId" | "causationId"> & Partial<Metadata>>(
  "@hexfold/core/Metadata/Current",
  { defaultValue: () => ({}) }
)

/** The metadata with what settings add to them. For authors of test kits; programs use {@link with}. */
export const added = (outer: Partial<Metadata>, settings: Settings): Partial<Metadata> => {
  const { actor, causationId, correlationId, fields } = settings
  return {
    ...outer,
    // A compiler without `exactOptionalPropertyTypes` lets an explicit undefined pass.
    ...(correlationId === undefined ? {} : { correlationId }),
    ...(causationId === undefined ? {} : { causationId }),
    ...(actor === undefined ? {} : { actor }),
    ...(fields === undefined ? {} : addedFields(outer, fields))
  }
}

const addedFields = (
  outer: Partial<Metadata>,
  settings: ReadonlyArray<Setting>
): Pick<Metadata, "fields" | "versions"> => {
  const fields = new Map(Object.entries(outer.fields ?? {}))
  const versions = new Map(Object.entries(outer.versions ?? {}))
  for (const { name, schemaVersion = 1, value } of settings) {
    fields.set(name, value)
    if (schemaVersion === 1) versions.delete(name)
    else versions.set(name, schemaVersion)
  }
  const isVersioned = outer.versions !== undefined || versions.size > 0
  return {
    fields: Object.fromEntries(fields),
    ...(isVersioned ? { versions: Object.fromEntries(versions) } : {})
  }
}

const with_ =
  (settings: Settings) =>
  <A, E, R>(program: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.updateService(program, Current, (outer) => added(outer, settings))

export {
  /**
   * Runs a program so that the events of its commands have these metadata. An
   * inner `with` adds to an outer one, and wins where both set the same.
   *
   * @example
   * ```ts
   * import { Metadata } from "@hexfold/core"
   * import { Effect, Schema } from "effect"
   *
   * const Tenant = Metadata.field("tenant", Schema.String)
   * declare const program: Effect.Effect<void>
   *
   * program.pipe(Metadata.with({ actor: "anna", fields: [Tenant.set("acme")] }))
   * ```
   */
  with_ as with
}
