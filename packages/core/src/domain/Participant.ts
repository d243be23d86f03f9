/** One stream that a boundary reads: `Account.at(id)`, or `Boundary.readOnly(Rules.at(id))`. */
import type * as Schema from "effect/Schema"
import type { Declaring, StoredType } from "./storedTypes.ts"
import type { Tagged } from "./tagged.ts"
import type { StreamId } from "./StreamId.ts"

/** What folds the events of a stream: the part of an aggregate that a boundary needs. */
export interface Source<out Name extends string, State, Event extends Tagged> extends Declaring<Name, Event> {
  readonly initial: State
  readonly evolve: (state: State, event: Event) => State
}

/** Whether a decision may add events to a stream. In either case the stream's version is checked at the append. */
export type Access = "write" | "read"

/** A stream of an aggregate, and what a decision may do with it. */
export interface Participant<Name extends string, State, Event extends Tagged, Mode extends Access = "write"> {
  readonly source: Source<Name, State, Event>
  readonly streamId: StreamId
  readonly access: Mode
}

/** What every participant has, as a constraint for functions and types that accept them all. */
export interface Any {
  readonly source: {
    readonly name: string
    readonly initial: unknown
    readonly evolve: (state: never, event: never) => unknown
    readonly schemas: {
      readonly events: ReadonlyMap<string, Schema.Codec<unknown, Tagged>>
      readonly stored: ReadonlyMap<string, StoredType<unknown>>
    }
  }
  readonly streamId: StreamId
  readonly access: Access
}

/** The participants of a boundary by role; a role may be played by any number of streams. */
export type Participants = Readonly<Record<string, Any | ReadonlyArray<Any>>>

/** The state of a participant. */
export type StateOf<P extends Any> = P["source"]["initial"]

/** The states of participants by role: one, or one for each stream of the role, in the same order. */
export type StatesOf<P> = {
  readonly [Role in keyof P]: P[Role] extends Any
    ? StateOf<P[Role]>
    : P[Role] extends ReadonlyArray<infer Each extends Any>
      ? ReadonlyArray<StateOf<Each>>
      : never
}

/** The events that a decision may add to a participant. There are none for a participant that is only read. */
export type EventOf<P> = P extends Any & { readonly access: "write" } ? Parameters<P["source"]["evolve"]>[1] : never

/** The events that a decision may add to any of the participants. */
export type EventsOf<P> = {
  [Role in keyof P]: P[Role] extends ReadonlyArray<infer Each> ? EventOf<Each> : EventOf<P[Role]>
}[keyof P]
