import * as Context from "effect/Context"
import * as Effect from "effect/Effect"

/** The handling of an event by a consumer. */
export interface Handling {
  /** The name of the consumer with its kind, as in `reactor/SendMail`. */
  readonly consumer: string
  readonly position: number
  readonly eventId: string
  readonly part: number
}

/** Names a handling. No other handling has this name. */
export const nameOf = ({ consumer, eventId, part, position }: Handling): string =>
  `${consumer}:${position}:${eventId}:${part}`

/** The consumer and the position of the event, if an id was derived from them. */
export const derivedFrom = (commandId: string): Pick<Handling, "consumer" | "position"> | undefined => {
  const [, consumer, position] = derived.exec(commandId) ?? []
  return consumer === undefined ? undefined : { consumer, position: Number(position) }
}

const derived = /^([a-z]{1,20}\/[A-Za-z][A-Za-z0-9_.-]{0,99}):([0-9]{1,15}):/

/** The ids of the commands that are executed for one event. */
export interface DerivedIds {
  /**
   * Executes a command under the id of its place. `content` is the same for the same command on the same target, and for
   * no other.
   */
  readonly run: <A, E, R>(content: string, execute: (id: string) => Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  /** Is put around each command that has an id. */
  readonly around?: Around
}

/** A command that is executed for an event. */
export interface Executed {
  /** The name of the aggregate or boundary. */
  readonly target: string
  /** The id of the aggregate. */
  readonly id?: unknown
  readonly command: unknown
  /** Its own id, or the one that is derived. */
  readonly commandId: string
}

/** Does something before and after a command that is executed for an event. */
export type Around = <A, E, R>(executed: Executed, execute: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>

/** Names the commands that have no id of their own. Nothing does by default. */
export const Current = Context.Reference<DerivedIds | undefined>("@hexfold/core/DerivedIds", {
  defaultValue: () => undefined
})

/**
 * Ids by place: the first command that is executed gets the place 0, the next one the place 1.
 *
 * Why a repetition has no second effect. (1) A handler that is run again executes the same commands in the same order,
 * so each gets the id that it had. (2) A command that has failed keeps its place for when the same command is tried
 * again: its append may have happened all the same. (3) If another command comes to a place, the store refuses it,
 * because the id is that of a command with another content.
 */
export const make = (handling: string, around?: Around): DerivedIds => {
  const kept = new Map<string, Array<number>>()
  let next = 0
  return {
    ...(around === undefined ? undefined : { around }),
    run: (content, execute) =>
      Effect.suspend(() => {
        const place = kept.get(content)?.shift() ?? next++
        return Effect.onError(execute(`${handling}:${place}`), () =>
          Effect.sync(() => {
            const places = kept.get(content) ?? []
            kept.set(content, places)
            places.push(place)
            places.sort((a, b) => a - b)
          })
        )
      })
  }
}
