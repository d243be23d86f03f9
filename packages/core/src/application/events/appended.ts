/**
 * What the handlers of a reactor have appended: the last position of it is kept for each part, as a record of the generation.
 *
 * The log alone may go back to a point after the reactor's position, and lose what its handlers have appended for events that
 * count as done. The position of the reactor does not tell that. This one does.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { EventStoreError } from "../../ports/errors.ts"
import type { EventStore, Horizon, Position } from "../../ports/EventStore.ts"
import type { Changes, Loaded } from "../../ports/ProjectionStore.ts"
import type { Reason } from "../../ports/Reason.ts"
import { confirm, refusedBy } from "./positions.ts"

/** Is told of the last event of each command that is executed, also of one that is answered with its first receipt. */
export const Current = Context.Reference<((last: Position) => void) | undefined>("@hexfold/core/Appended", {
  defaultValue: () => undefined
})

const Kept = Schema.Struct({ history: Schema.Int, position: Schema.Int })

const keyOf = (index: number): string => `appended ${index}`

/** The key of the record of what was appended when parked events were handled again, in any process. */
const retried = "appended retried"

/** The keys of the records of all parts, however many there are. */
export const keys: ReadonlyArray<string> = [...Array.from({ length: 1_000 }, (_, index) => keyOf(index)), retried]

/** The keys that are read before {@link changesOfRetry}. */
export const keysOfRetry: ReadonlyArray<string> = [retried]

/** The later of two positions. A history has a higher number than those before it. */
export const later = (a: Position | undefined, b: Position | undefined): Position | undefined => {
  if (a === undefined || b === undefined) return a ?? b
  if (a.history !== b.history) return a.history > b.history ? a : b
  return a.position > b.position ? a : b
}

/** What the record of a part says. */
export const of = ({ states }: Pick<Loaded, "states">, index: number): Position | undefined =>
  Option.getOrUndefined(decode(states.get(keyOf(index))))

const read = ({ states }: Pick<Loaded, "states">): Position | undefined => {
  let last: Position | undefined
  for (const key of keys) last = later(last, Option.getOrUndefined(decode(states.get(key))))
  return last
}

const decode = Schema.decodeUnknownOption(Kept)

/** Fails if the log does not have everything that the handlers have appended. */
export const check = (
  loaded: Pick<Loaded, "states">,
  events: EventStore["Service"],
  log: Horizon
): Effect.Effect<void, EventStoreError> => {
  const last = read(loaded)
  return last === undefined ? Effect.void : confirm(events, last, log)
}

/** Why the log does not have everything that the handlers have appended; undefined if it has. */
export const refusalOf = (
  loaded: Pick<Loaded, "states">,
  events: EventStore["Service"],
  log: Horizon
): Effect.Effect<Reason | undefined, EventStoreError> => refusedBy(check(loaded, events, log))

/** What has to be kept with a position: nothing, if the position itself says as much. */
export const beyond = (last: Position | undefined, to: Position): Position | undefined =>
  last === undefined || (last.history === to.history && last.position <= to.position) ? undefined : last

/** The change from what the record of a part says to what it is to say. */
export const changesOf = (index: number, kept: Position | undefined, last: Position | undefined): Changes => {
  if (last === undefined) return { put: [], remove: kept === undefined ? [] : [keyOf(index)] }
  return { put: last === kept ? [] : [{ key: keyOf(index), state: stateOf(last) }], remove: [] }
}

/** The change that keeps what was appended when a parked event was handled again. */
export const changesOfRetry = ({ states }: Pick<Loaded, "states">, last: Position | undefined): Changes => {
  const kept = Option.getOrUndefined(decode(states.get(retried)))
  const now = later(kept, last)
  return { put: now === undefined || now === kept ? [] : [{ key: retried, state: stateOf(now) }], remove: [] }
}

const stateOf = ({ history, position }: Position) => ({ history, position })
