import * as Effect from "effect/Effect"
import { dual } from "effect/Function"
import * as Predicate from "effect/Predicate"
import type { CallerError, OperationalError, ProgramError, TechnicalError } from "./options.ts"

// Recognized by a property and not by the tag, because a domain may use the same tags.
const concernOf = (error: unknown): unknown =>
  Predicate.hasProperty(error, "~hexfold/concern") ? error["~hexfold/concern"] : undefined

/** Whether an error is not the domain's; see {@link TechnicalError}. Use it with `Effect.catchIf`. */
export const isTechnicalError = <E>(error: E): error is E & TechnicalError => concernOf(error) !== undefined

/** Whether the caller did something wrong; see {@link CallerError}. Use it with `Effect.catchIf`. */
export const isCallerError = <E>(error: E): error is E & CallerError => concernOf(error) === "caller"

/** Whether an operator waits the error out or mends it; see {@link OperationalError}. Use it with `Effect.catchIf`. */
export const isOperationalError = <E>(error: E): error is E & OperationalError => concernOf(error) === "operator"

/** Whether only a change of the program mends the error; see {@link ProgramError}. Use it with `Effect.catchIf`. */
export const isProgramError = <E>(error: E): error is E & ProgramError => concernOf(error) === "program"

/**
 * Handles all technical errors of a command as one: afterwards only the errors
 * of the domain are left, and those of the handler. It is what `Effect.catchTag`
 * is for one error, and works data-first and data-last.
 *
 * To handle only some of them, use `Effect.catchIf` with
 * {@link isOperationalError}, {@link isCallerError} or {@link isProgramError}.
 *
 * @example
 * ```ts
 * import { Aggregate, Executor } from "@hexfold/core"
 * import { Effect } from "effect"
 *
 * interface Increment { readonly _tag: "Increment" }
 * interface TooLarge { readonly _tag: "TooLarge" }
 * declare const Counter: Aggregate.Aggregate<"Counter", string, number, Increment, never, TooLarge>
 *
 * const program = Executor.execute(Counter, "visits", { _tag: "Increment" }).pipe(
 *   Effect.as(204),
 *   Executor.catchTechnical((error) =>
 *     Effect.succeed(Executor.isCallerError(error) ? 400 : Executor.isOperationalError(error) ? 503 : 500)
 *   ),
 *   Effect.catchTag("TooLarge", () => Effect.succeed(409))
 * )
 * ```
 */
export const catchTechnical: {
  <E, A2, E2, R2>(
    handler: (error: Extract<E, TechnicalError>) => Effect.Effect<A2, E2, R2>
  ): <A, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A | A2, E2 | Exclude<E, TechnicalError>, R | R2>
  <A, E, R, A2, E2, R2>(
    self: Effect.Effect<A, E, R>,
    handler: (error: Extract<E, TechnicalError>) => Effect.Effect<A2, E2, R2>
  ): Effect.Effect<A | A2, E2 | Exclude<E, TechnicalError>, R | R2>
} = dual(
  2,
  <A, E, R, A2, E2, R2>(
    self: Effect.Effect<A, E, R>,
    handler: (error: Extract<E, TechnicalError>) => Effect.Effect<A2, E2, R2>
  ): Effect.Effect<A | A2, E2 | Exclude<E, TechnicalError>, R | R2> =>
    self.pipe(
      Effect.catch((error): Effect.Effect<A2, E2 | Exclude<E, TechnicalError>, R2> =>
        isTechnicalError(error)
          ? handler(error as Extract<E, TechnicalError>)
          : Effect.fail(error as Exclude<E, TechnicalError>)
      )
    )
)
