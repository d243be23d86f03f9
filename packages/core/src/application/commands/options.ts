import type * as Result from "effect/Result"
import type {
  CommandIdReused,
  ConcurrencyConflict,
  EventStoreError,
  ViewStoreError,
  WaitTimeout
} from "../../ports/errors.ts"
import type { EventDecodeError, EventReadError, InvalidDecision, UnknownEvent } from "../events/errors.ts"
import type { InvalidCommand, StreamWrittenTwice, TooManyParticipants, UnknownCommandVersion } from "./errors.ts"
import type { RetryPolicy, StoreRetryPolicy } from "./retryPolicy.ts"

/** How to execute a command. */
export interface ExecuteOptions {
  /**
   * Names the command. A command that is executed again under the same id has
   * no second effect and returns the first receipt, for as long as the store
   * remembers the id. Stores remember ids for ever by default. At most 1,000
   * characters.
   */
  readonly commandId?: string
  /**
   * When to try again after a conflict. `CurrentRetryPolicy` by default. Inside a
   * transaction of the caller a command is tried once, whatever the policies say.
   */
  readonly retry?: RetryPolicy
  /**
   * When to try again after a retryable `EventStoreError`.
   * `CurrentStoreRetryPolicy` by default. An append whose outcome is unknown is
   * tried again only if the command has an id.
   */
  readonly retryStore?: StoreRetryPolicy
}

/** How to execute a command on an aggregate, and what its caller requires of the state that it is decided on. */
export interface AggregateOptions<in State, out RequireError, out Expected extends number> extends ExecuteOptions {
  /**
   * The version at which the stream must be; 0 if it has no event. At another
   * version the command fails with `VersionConflict`, and is not tried again.
   */
  readonly expectedVersion?: Expected
  /**
   * A rule on the state that the command is decided on. It is asked in every
   * attempt, before `decide` and before `expectedVersion`: a caller that the rule
   * refuses learns no version. A failure of the rule rejects the command. A command
   * that is repeated under its id gets its receipt without asking the rule.
   */
  readonly require?: (decidedOn: {
    readonly state: State
    /** The stream's version; 0 if it has no event. */
    readonly version: number
  }) => Result.Result<unknown, RequireError>
}

/** How to execute a command over a boundary, and what its caller requires of the states that it is decided on. */
export interface BoundaryOptions<States, out RequireError, Roles> extends ExecuteOptions {
  /**
   * The versions at which streams must be, by role; only for roles that one stream
   * plays. At another version the command fails with `VersionConflict`, and is not
   * tried again.
   */
  readonly expectedVersion?: {
    readonly [Role in keyof Roles]: Role extends SingleRoles<States>
      ? number
      : `${Role & string} is not a role of one stream`
  }
  /** Like `require` of an aggregate, on the states and the versions by role. */
  readonly require?: (decidedOn: {
    readonly states: States
    readonly versions: VersionsOf<States>
  }) => Result.Result<unknown, RequireError>
}

/** The roles that one stream plays. A role whose state is an array counts as a role of several streams. */
export type SingleRoles<States> = {
  [Role in keyof States]: States[Role] extends ReadonlyArray<unknown> ? never : Role
}[keyof States]

/** The versions of the streams by role; where a state is an array, there may be one version or several. */
export type VersionsOf<States> = {
  readonly [Role in keyof States]: States[Role] extends ReadonlyArray<unknown> ? number | ReadonlyArray<number> : number
}

/** Why executing a command can fail, besides the domain's own errors. */
export type ExecuteError =
  | ConcurrencyConflict
  | CommandIdReused
  | EventStoreError
  | EventReadError
  | InvalidDecision
  | InvalidCommand

/** Why executing a command over a boundary can fail, besides the domain's own errors. */
export type BoundaryError = ExecuteError | StreamWrittenTwice | TooManyParticipants

/** How to publish events. */
export interface PublishOptions {
  /**
   * Names what is published. The same events that are published again under the same id are recorded once, and the first
   * receipt is returned, for as long as the store remembers the id. Stores remember ids for ever by default. At most
   * 1,000 characters. In a handler of a reactor the id is derived as for a command.
   */
  readonly commandId?: string
  /**
   * When to try again after a retryable `EventStoreError`. `CurrentStoreRetryPolicy` by default. Without a command id
   * nothing is tried again, because the events could be recorded twice. Nor is it inside a transaction of the caller.
   */
  readonly retryStore?: StoreRetryPolicy
}

/** Why publishing events can fail. */
export type PublishError = InvalidCommand | CommandIdReused | EventStoreError | EventReadError

/** Errors that the caller must correct. The same call fails again; over HTTP it is a status from 400 to 499. */
export type CallerError = InvalidCommand | CommandIdReused

/** Errors that an operator waits out or repairs. The same call may succeed later. */
export type OperationalError =
  | ConcurrencyConflict
  | EventStoreError
  | ViewStoreError
  | WaitTimeout
  | UnknownEvent
  | UnknownCommandVersion

/** Errors that only a change of the program can fix. */
export type ProgramError = EventDecodeError | InvalidDecision | StreamWrittenTwice | TooManyParticipants

/**
 * Every error of a command that is not the domain's: those of executing it, and
 * those of `Projection.waitFor` after it.
 */
export type TechnicalError = CallerError | OperationalError | ProgramError
