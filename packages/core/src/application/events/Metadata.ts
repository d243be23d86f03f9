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

export type { Metadata }

/** A value of a field that an application adds. */
export interface Setting {
  readonly name: string
  readonly value: Schema.Json
}

/** A typed field that an application adds, made by {@link field}. */
export interface Field<A> {
  readonly name: string
  /** The field with a value, for {@link with}. Throws a `SchemaError` if the value breaks the schema. */
  readonly set: (value: A) => Setting
  /** The field's value in the metadata of an event; none if it was not set. */
  readonly get: (metadata: Metadata) => Result.Result<Option.Option<A>, Schema.SchemaError>
}

/**
 * Declares a field that an application adds.
 *
 * @example
 * ```ts
 * import { Metadata } from "@hexfold/core"
 * import { Schema } from "effect"
 *
 * const Tenant = Metadata.field("tenant", Schema.String)
 *
 * Tenant.get({ correlationId: "c", causationId: "c", fields: { tenant: "acme" } }) // Result.succeed(Option.some("acme"))
 * ```
 */
export const field = <A>(name: string, schema: Schema.Codec<A, unknown>): Field<A> => {
  const codec = Schema.toCodecJson(schema)
  const encode = Schema.encodeSync(codec)
  const decode = Schema.decodeUnknownResult(codec)
  return {
    name,
    set: (value) => ({ name, value: encode(value) }),
    get: (metadata) =>
      metadata.fields === undefined || !Object.hasOwn(metadata.fields, name)
        ? Result.succeed(Option.none())
        : Result.map(decode(metadata.fields[name]), Option.some)
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

const with_ =
  (settings: Settings) =>
  <A, E, R>(program: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.updateService(program, Current, (outer) => {
      const { actor, causationId, correlationId, fields } = settings
      return {
        ...outer,
        // A compiler without `exactOptionalPropertyTypes` lets an explicit undefined pass.
        ...(correlationId === undefined ? {} : { correlationId }),
        ...(causationId === undefined ? {} : { causationId }),
        ...(actor === undefined ? {} : { actor }),
        ...(fields === undefined
          ? {}
          : { fields: { ...outer.fields, ...Object.fromEntries(fields.map(({ name, value }) => [name, value])) } })
      }
    })

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
