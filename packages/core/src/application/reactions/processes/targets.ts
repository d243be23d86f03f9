/** What commands are sent to whose types are not known: by processes, and at a later time. */
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type * as Aggregate from "../../../domain/Aggregate.ts"
import type { Boundary } from "../../../domain/Boundary.ts"
import type { Sending } from "../../../domain/process/log.ts"
import type { Target } from "../../../domain/process/steps.ts"
import type { Tagged } from "../../../domain/tagged.ts"
import { memoized } from "../../../internal/memoized.ts"
import type { EventStore } from "../../../ports/EventStore.ts"
import * as CommandCodec from "../../commands/CommandCodec.ts"
import * as Executor from "../../commands/Executor.ts"

/** How the commands and errors of a target are kept. */
export interface TargetCodec {
  readonly encode: (id: unknown, command: Tagged) => Pick<Sending, "id" | "command">
  readonly decodeError: (error: Schema.Json) => Tagged
  readonly encodeError: (error: Tagged) => Schema.Json | undefined
}

/** The codec of a target. */
export const codecOf = (target: Target): TargetCodec => memoized(codecs, target, () => makeCodec(target))

const codecs = new WeakMap<object, unknown>()

type SomeAggregate = Aggregate.Aggregate<string, unknown, unknown, Tagged, Tagged, Tagged>
type SomeBoundary = Boundary<string, Tagged, unknown, Tagged, Tagged>

const isBoundary = (target: Target): target is Target & { readonly _tag: "Boundary" } =>
  "_tag" in target && target._tag === "Boundary"

const makeCodec = (target: Target): TargetCodec => {
  const errors = isBoundary(target)
    ? (target as unknown as SomeBoundary).errors
    : (target as unknown as SomeAggregate).schemas.errors
  const all = Array.from(errors, ([tag, schema]) => [tag, Schema.toCodecJson(schema)] as const)
  const decoders = new Map(all.map(([tag, codec]) => [tag, Schema.decodeUnknownSync(codec)]))
  const encoders = new Map(all.map(([tag, codec]) => [tag, Schema.encodeSync(codec)]))
  const common = {
    decodeError: (error: Schema.Json): Tagged => {
      const { _tag } = error as { readonly _tag: string }
      const decode = decoders.get(_tag)
      if (decode === undefined) throw new Error(`${target.name} has no error ${_tag}`)
      return decode(error)
    },
    encodeError: (error: Tagged) => encoders.get(error._tag)?.(error)
  }
  if (isBoundary(target)) {
    const codec = CommandCodec.ofBoundary(target as unknown as SomeBoundary)
    return { ...common, encode: (_id, command) => ({ command: Result.getOrThrow(codec.encode(command)) }) }
  }
  const aggregate = target as unknown as SomeAggregate
  const codec = CommandCodec.of(aggregate)
  const encodeId = Schema.encodeSync(Schema.toCodecJson(aggregate.schemas.id))
  return {
    ...common,
    encode: (id, command) => ({ id: encodeId(id), command: Result.getOrThrow(codec.encode(command)) })
  }
}

/** Whether a failure may be an error of the domain. */
export const isTagged = (failure: unknown): failure is Tagged =>
  Predicate.hasProperty(failure, "_tag") && typeof failure._tag === "string"

/** Executes a command like {@link execute}. A command that is rejected is done, and a warning names it. */
export const executeOrWarn = (what: string, ...[target, ...given]: Parameters<typeof execute>) =>
  execute(target, ...given).pipe(
    Effect.catch((error) =>
      isTagged(error) && codecOf(target).encodeError(error) !== undefined
        ? Effect.logWarning(`the command ${what} to ${target.name} was rejected: ${error._tag}`)
        : Effect.fail(error)
    )
  )

/** Executes a command that was kept as JSON, with an id or under the one that is derived. */
export const execute = (
  target: Target,
  id: unknown,
  command: unknown,
  options?: { readonly commandId: string }
): Effect.Effect<unknown, unknown, EventStore> =>
  isBoundary(target)
    ? Executor.executeUnknown(target as unknown as SomeBoundary, command, options)
    : Executor.executeUnknown(target as unknown as SomeAggregate, id, command, options)
