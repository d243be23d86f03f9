import * as Result from "effect/Result"
import { VersionConflict } from "../../../ports/errors.ts"
import { InvalidCommand } from "../errors.ts"
import type { AggregateOptions, BoundaryOptions } from "../options.ts"
import type { LoadedStream, Refusal } from "./commandPlan.ts"

// The engine knows no types of states. It gives a caller's rule the states of the target that the caller has named.
/** What the caller of a command on an aggregate requires. */
export type AggregateRules = Pick<AggregateOptions<never, unknown, number>, "expectedVersion" | "require">

/** What the caller of a command over a boundary requires. */
export interface BoundaryRules {
  readonly expectedVersion?: { readonly [role: string]: number | undefined }
  readonly require?: BoundaryOptions<never, unknown, never>["require"]
}

/** The refusal of a command whose stream is not at the expected version. */
export const unexpected = ({ streamId, version }: LoadedStream, expected: number): Refusal<VersionConflict> => ({
  isRejection: true,
  error: new VersionConflict({ stream: streamId, expected, actual: version })
})

/** What is wrong with the expected version of a caller without types; undefined if nothing is. */
export const invalidVersion = (target: string, expected: unknown): InvalidCommand | undefined =>
  expected === undefined || typeof expected === "number"
    ? undefined
    : invalidRule(target, `expectedVersion: a value of type ${typeof expected} is not a number`)

/** The same of the expected versions by role. */
export const invalidVersions = (target: string, byRole: unknown): InvalidCommand | undefined => {
  if (byRole === undefined) return undefined
  if (typeof byRole !== "object" || byRole === null) {
    return invalidRule(target, "expectedVersion: the versions are given by role")
  }
  for (const expected of Object.values(byRole)) {
    const invalid = invalidVersion(target, expected)
    if (invalid !== undefined) return invalid
  }
  return undefined
}

const invalidRule = (target: string, detail: string) => new InvalidCommand({ target, part: "command", detail })

/** The refusal of a command whose rule is broken. */
export const broken = (asked: Result.Result<unknown, unknown> | undefined): Refusal<never> | undefined =>
  asked !== undefined && Result.isFailure(asked) ? { isRejection: true, error: asked.failure as never } : undefined
