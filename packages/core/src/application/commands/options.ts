import type {
  CommandIdReused,
  ConcurrencyConflict,
  EventStoreError,
  ViewStoreError,
  WaitTimeout
} from "../../ports/errors.ts"
import type { EventDecodeError, InvalidDecision } from "../events/errors.ts"
import type { InvalidCommand, StreamWrittenTwice, TooManyParticipants } from "./errors.ts"
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

/** Why executing a command can fail, besides the domain's own errors. */
export type ExecuteError =
  | ConcurrencyConflict
  | CommandIdReused
  | EventStoreError
  | EventDecodeError
  | InvalidDecision
  | InvalidCommand

/** Why executing a command over a boundary can fail, besides the domain's own errors. */
export type BoundaryError = ExecuteError | StreamWrittenTwice | TooManyParticipants

/** Errors that the caller must correct. The same call fails again; over HTTP it is a status from 400 to 499. */
export type CallerError = InvalidCommand | CommandIdReused

/** Errors that an operator waits out or repairs. The same call may succeed later. */
export type OperationalError = ConcurrencyConflict | EventStoreError | ViewStoreError | WaitTimeout

/** Errors that only a change of the program can fix. */
export type ProgramError = EventDecodeError | InvalidDecision | StreamWrittenTwice | TooManyParticipants

/**
 * Every error of a command that is not the domain's: those of executing it, and
 * those of `Projection.waitFor` after it.
 */
export type TechnicalError = CallerError | OperationalError | ProgramError
