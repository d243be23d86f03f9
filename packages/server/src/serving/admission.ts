/**
 * Whether a rule lets a caller pass. Every front asks here and nowhere else. The answers are there at once, and not
 * effects that are run later: each command asks twice.
 */
import { Policy } from "@hexfold/core"
import { Effect, Result } from "effect"
import { Forbidden, Unauthenticated } from "../errors.ts"

type Caller = Policy.Caller | undefined

/** The rules that need to know what exactly is asked. */
type OnRequest = Exclude<Policy.AnyRule, Policy.Who>

/** Why a caller does not pass. */
type Refusal = Forbidden | Unauthenticated

/**
 * Why a caller does not pass, as far as a rule can tell before the request is read; undefined if it does. So somebody who
 * may not ask learns nothing of what is wrong with the request.
 */
export const refusal = (rule: Policy.AnyRule, caller: Caller, what: string): Refusal | undefined => {
  if (rule !== "anyone" && caller === undefined) return new Unauthenticated({})
  return isOnRequest(rule) ? undefined : refusalIn(Policy.answer(rule, caller), what)
}

/** Why a caller does not pass with what is asked; undefined if it does. A rule on the state is asked later, with the state. */
export const refusalWith = (rule: Policy.AnyRule, caller: Caller, what: string, asked: unknown): Refusal | undefined =>
  refusalIn(Policy.answer(rule, caller, asked), what)

/** Lets a caller pass, or fails with its {@link refusal}. */
export const admitted = (rule: Policy.AnyRule, caller: Caller, what: string): Effect.Effect<void, Refusal> =>
  passing(refusal(rule, caller, what))

/** Lets a caller pass with what is asked, or fails with its {@link refusalWith}. */
export const admittedWith = (
  rule: Policy.AnyRule,
  caller: Caller,
  what: string,
  asked: unknown
): Effect.Effect<void, Refusal> => passing(refusalWith(rule, caller, what, asked))

const passing = (refused: Refusal | undefined): Effect.Effect<void, Refusal> =>
  refused === undefined ? Effect.void : Effect.fail(refused)

/** Whether a caller may read something, for what is left out and not refused. */
export const mayRead = (rule: Policy.AnyRule | undefined, caller: Caller, ...read: ReadonlyArray<unknown>): boolean =>
  rule !== undefined && Policy.answer(rule, caller, ...read) === "permitted"

/** The rule on a state, as `Executor` asks it in every attempt; undefined if the rule is not on a state. */
export const requiredOf = (
  rule: Policy.AnyRule,
  caller: Caller,
  what: string,
  asked: unknown
): ((state: unknown) => Result.Result<void, Forbidden>) | undefined => {
  if (caller === undefined || !isOnState(rule)) return undefined
  return (state) =>
    Policy.answerOnState(rule, caller, asked, state) === "permitted"
      ? Result.void
      : Result.fail(new Forbidden({ what }))
}

const refusalIn = (answer: Policy.Answer, what: string): Refusal | undefined => {
  switch (answer) {
    case "permitted":
    case "by state":
      return undefined
    case "unauthenticated":
      return new Unauthenticated({})
    case "forbidden":
      return new Forbidden({ what })
  }
}

/** Whether a rule needs to know what exactly is asked. */
export const isOnRequest = (rule: Policy.AnyRule): rule is OnRequest =>
  typeof rule === "object" && ("when" in rule || "whenState" in rule)

const isOnState = (rule: Policy.AnyRule): rule is Policy.WhenState<unknown, unknown> =>
  typeof rule === "object" && "whenState" in rule
