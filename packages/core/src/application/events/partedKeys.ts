/**
 * By which keys the events of a reactor were divided into its parts: kept as a record of the generation.
 *
 * Each part has come to a position of its own, by the keys of the version that has worked. A version whose keys are others
 * would put an event into a part that is already beyond it. So it works only when all parts stand at one position.
 */
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { Consumer } from "../../domain/view/consumer.ts"
import type { Changes, Loaded } from "../../ports/ProjectionStore.ts"

const Kept = Schema.Struct({ version: Schema.Int, keys: Schema.String })

/** The key of the record. */
export const key = "keys"

/** The version that has divided the events by other keys than a consumer; undefined if none has. */
export const formerOf = (
  { keyedBy }: Pick<Consumer, "keyedBy">,
  { states }: Pick<Loaded, "states">
): number | undefined => {
  const kept = Option.getOrUndefined(decode(states.get(key)))
  return kept === undefined || keyedBy === undefined || kept.keys === keyedBy ? undefined : kept.version
}

/** Whether it is not kept yet by which keys the events are divided. */
export const isMissing = ({ states }: Pick<Loaded, "states">): boolean => !states.has(key)

/** Whether all parts stand at one position. */
export const areLevel = (positions: ReadonlyArray<number>): boolean => new Set(positions).size <= 1

/** The change that keeps by which keys a consumer divides the events. */
export const changesOf = ({ keyedBy, version }: Pick<Consumer, "keyedBy" | "version">): Changes => ({
  put: keyedBy === undefined ? [] : [{ key, state: { version, keys: keyedBy } }],
  remove: []
})

const decode = Schema.decodeUnknownOption(Kept)
