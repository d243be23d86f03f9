/** What a process decides in one step, as data. */
import type * as Aggregate from "../Aggregate.ts"
import type { Boundary } from "../Boundary.ts"
import type { Tagged } from "../tagged.ts"
import type { When } from "./times.ts"

/** What a process sends commands to: an aggregate or a boundary. */
export type Target = Aggregate.Any | AnyBoundary

/** A boundary of any kind. */
export type AnyBoundary = Pick<Boundary<string, never, never, unknown, unknown>, "_tag" | "name"> & {
  readonly command: { readonly Type: unknown }
  readonly decide: (command: never, states: never) => unknown
}

/** A command to an aggregate or a boundary. */
export interface Sent<out To extends string> {
  readonly _tag: "Send"
  readonly to: To
  readonly target: Target
  /** The id of the aggregate. A boundary has none. */
  readonly id: unknown
  readonly command: Tagged
}

/** Asks for an event at a later time, unless it is cancelled before. */
export interface Timeout<out Name extends string> {
  readonly _tag: "Timeout"
  readonly name: Name
  readonly at: When
}

/** Takes a timeout back. */
export interface Cancelled<out Name extends string> {
  readonly _tag: "Cancel"
  readonly name: Name
}

/** What a step gives besides the next state. */
export type Output<To extends string, Name extends string> = Sent<To> | Timeout<Name> | Cancelled<Name>

/** The outcome of a step. */
export interface Step<out State, out To extends string = never, out Name extends string = never> {
  readonly _tag: "Step"
  readonly state: State
  readonly outputs: ReadonlyArray<Output<To, Name>>
  /** Whether the process ends with the step. */
  readonly ends: boolean
}

/** The event does not concern the process: nothing is recorded. */
export interface Ignored {
  readonly _tag: "Ignored"
}
