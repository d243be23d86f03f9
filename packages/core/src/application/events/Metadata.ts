/**
 * What is known about an event besides its content: which command caused it, on
 * whose behalf, within which conversation, and whatever an application adds.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { Metadata } from "../../domain/metadata.ts"

export type { Metadata }

/** A value for one of an application's own fields. */
export interface Setting {
  readonly name: string
  readonly value: Schema.Json
}

/** A typed field of an application's own, made by {@link field}. */
export interface Field<A> {
  readonly name: string
  /** The field with a value, for {@link with}. Throws a `SchemaError` if the value breaks the schema. */
  readonly set: (value: A) => Setting
  /** The field's value in an event's metadata: none if it was not set. */
  readonly get: (metadata: Metadata) => Result.Result<Option.Option<A>, Schema.SchemaError>
}

/**
 * Declares a field of an application's own.
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
  readonly correlationId?: string
  readonly causationId?: string
  readonly actor?: string
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
        // Not everybody's compiler keeps an explicit undefined out.
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
   * Runs a program so that the events of its commands carry these metadata. An
   * inner `with` adds to an outer one and wins where both say something.
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
