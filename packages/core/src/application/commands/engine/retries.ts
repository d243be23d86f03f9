import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Pull from "effect/Pull"
import * as Schedule from "effect/Schedule"
import type { ConcurrencyConflict, EventStoreError } from "../../../ports/errors.ts"
import type { ExecuteOptions } from "../options.ts"
import { CurrentRetryPolicy, CurrentStoreRetryPolicy } from "../retryPolicy.ts"
import type { CommandContext } from "./commandContext.ts"

/** The options of a command that say when it is tried again. */
export type Policies = Pick<ExecuteOptions, "retry" | "retryStore">

type Step<E> = (now: number, error: E) => Pull.Pull<[unknown, Duration.Duration], never, unknown>

/**
 * When one command is tried again. One policy is for conflicts, the other for a
 * store that cannot be reached. Each counts for itself, also where conflicts and
 * failures of the store take turns.
 *
 * Nothing is repeated inside a caller's transaction. After an error of the server
 * such a transaction only answers that it has failed, which would hide the error.
 * Only its owner can repeat it as a whole.
 */
export class Retries {
  private readonly policies: Policies
  private readonly context: CommandContext
  private conflict: Step<ConcurrencyConflict> | undefined
  private failure: Step<EventStoreError> | undefined

  constructor(policies: Policies, context: CommandContext) {
    this.policies = policies
    this.context = context
  }

  /** The pause after a conflict in milliseconds; undefined if the policy gives up. */
  afterConflict(error: ConcurrencyConflict): Effect.Effect<number | undefined> {
    const { context, policies } = this
    return this.pause(
      this.conflict === undefined
        ? Effect.map(
            Schedule.toStep(policies.retry ?? Context.get(context.context, CurrentRetryPolicy)),
            (step) => (this.conflict = step)
          )
        : Effect.succeed(this.conflict),
      error
    )
  }

  /** The pause after a failure of the store in milliseconds; undefined if the policy gives up. */
  afterFailure(error: EventStoreError): Effect.Effect<number | undefined> {
    const { context, policies } = this
    return this.pause(
      this.failure === undefined
        ? Effect.map(
            Schedule.toStep(policies.retryStore ?? Context.get(context.context, CurrentStoreRetryPolicy)),
            (step) => (this.failure = step)
          )
        : Effect.succeed(this.failure),
      error
    )
  }

  private pause<E>(policy: Effect.Effect<Step<E>>, error: E): Effect.Effect<number | undefined> {
    const { clock, joined } = this.context
    if (joined) return Effect.succeed(undefined)
    return Effect.flatMap(policy, (step) => step(clock.currentTimeMillisUnsafe(), error)).pipe(
      Effect.map(([, pause]): number | undefined => Duration.toMillis(pause)),
      Pull.catchDone(() => Effect.succeed(undefined))
    )
  }
}
