/**
 * What a command comes to: the events it causes, in order, or the error that
 * rejects it. A decision is a plain `Result`, so everything in
 * `effect/Result` works on it too.
 */
import * as Result from "effect/Result"

/** Events to record (possibly none), or the error for which the command is rejected. */
export type Decision<Event, Error = never> = Result.Result<ReadonlyArray<Event>, Error>

/**
 * Accepts the command and records these events, in this order. Without events
 * it records nothing, like {@link nothing}.
 *
 * @example
 * ```ts
 * import { Decision } from "@hexfold/core"
 *
 * Decision.accept({ _tag: "Deposited", amount: 10 })
 * ```
 */
export const accept = <const Events extends ReadonlyArray<unknown>>(...events: Events): Decision<Events[number]> =>
  Result.succeed(events)

/** Accepts the command and records nothing. */
export const nothing: Decision<never> = Result.succeed([])

/**
 * Rejects the command: no event is recorded and no state changes.
 *
 * @example
 * ```ts
 * import { Decision } from "@hexfold/core"
 *
 * Decision.reject({ _tag: "InsufficientFunds", balance: 3 })
 * ```
 */
export const reject = <const Error>(error: Error): Decision<never, Error> => Result.fail(error)

/**
 * Goes on with `next` if `condition` holds, and otherwise rejects with `error`.
 * `next` decides for one stream, or with {@link all} for the roles of a boundary.
 *
 * @example
 * ```ts
 * import { Decision } from "@hexfold/core"
 *
 * const withdraw = (balance: number, amount: number) =>
 *   Decision.ensure(amount <= balance, () => ({ _tag: "InsufficientFunds", balance }), () =>
 *     Decision.accept({ _tag: "Withdrawn", amount }))
 * ```
 */
export const ensure = <const Error, Decided, Error2>(
  condition: boolean,
  error: () => Error,
  next: () => Result.Result<Decided, Error2>
): Result.Result<Decided, Error | Error2> => (condition ? next() : Result.fail(error()))

/**
 * One decision after another, each made from the same state: the events of
 * all, or the first rejection.
 *
 * @example
 * ```ts
 * import { Decision } from "@hexfold/core"
 *
 * Decision.concat(
 *   Decision.accept({ _tag: "Deposited", amount: 10 }),
 *   Decision.accept({ _tag: "FeeCharged", amount: 1 })
 * )
 * ```
 */
export const concat = <const Decisions extends ReadonlyArray<Decision<unknown, unknown>>>(
  ...decisions: Decisions
): Decision<EventOf<Decisions[number]>, ErrorOf<Decisions[number]>> => {
  const events: Array<EventOf<Decisions[number]>> = []
  for (const decision of decisions as ReadonlyArray<Decision<EventOf<Decisions[number]>, ErrorOf<Decisions[number]>>>) {
    if (Result.isFailure(decision)) return Result.fail(decision.failure)
    for (const event of decision.success) events.push(event)
  }
  return Result.succeed(events)
}

/**
 * The decisions of a boundary's roles as one: the events of each, or the first
 * rejection, in the order of the roles. For a role of several streams, give a
 * list of decisions.
 *
 * @example
 * ```ts
 * import { Decision } from "@hexfold/core"
 *
 * Decision.all({
 *   from: Decision.accept({ _tag: "MoneyWithdrawn", amount: 10 }),
 *   to: Decision.accept({ _tag: "MoneyDeposited", amount: 10 })
 * })
 * ```
 */
export const all = <
  const Roles extends Readonly<Record<string, Decision<unknown, unknown> | ReadonlyArray<Decision<unknown, unknown>>>>
>(
  roles: Roles
): Result.Result<EventsByRole<Roles>, ErrorOf<Flat<Roles[keyof Roles]>>> => {
  const events: Record<string, ReadonlyArray<unknown>> = {}
  for (const role in roles) {
    const decisions: Decision<unknown, unknown> | ReadonlyArray<Decision<unknown, unknown>> = roles[role]!
    if (Result.isResult(decisions)) {
      if (Result.isFailure(decisions)) return decisions as never
      events[role] = decisions.success
    } else {
      const each: Array<ReadonlyArray<unknown>> = []
      for (const decision of decisions) {
        if (Result.isFailure(decision)) return decision as never
        each.push(decision.success)
      }
      events[role] = each
    }
  }
  return Result.succeed(events as EventsByRole<Roles>)
}

/** The events of decisions by role. */
export type EventsByRole<Roles> = {
  readonly [Role in keyof Roles]: Roles[Role] extends ReadonlyArray<infer Each>
    ? ReadonlyArray<ReadonlyArray<EventOf<Each>>>
    : ReadonlyArray<EventOf<Roles[Role]>>
}

type Flat<D> = D extends ReadonlyArray<infer Each> ? Each : D

/** The events that a decision may record. */
export type EventOf<D> = D extends Result.Result<ReadonlyArray<infer Event>, unknown> ? Event : never

/** The errors for which a decision may reject. */
export type ErrorOf<D> = D extends Result.Result<unknown, infer Error> ? Error : never
