/** What an append expects of the version of a stream. */

/** The stream may be at any version: this expectation always holds. */
export interface Any {
  readonly _tag: "Any"
}

/** The stream has no event. */
export interface NoStream {
  readonly _tag: "NoStream"
}

/** The stream has at least one event. */
export interface StreamExists {
  readonly _tag: "StreamExists"
}

/** The stream is at this version; at 0 it has no event. */
export interface Exactly {
  readonly _tag: "Exactly"
  readonly version: number
}

/** What an append expects of the version of a stream. */
export type Expectation = Any | NoStream | StreamExists | Exactly

/** The stream may be at any version. */
export const any: Expectation = { _tag: "Any" }

/** The stream has no event. */
export const noStream: Expectation = { _tag: "NoStream" }

/** The stream has at least one event. */
export const streamExists: Expectation = { _tag: "StreamExists" }

/** The stream is at `version`; at 0 it has no event. */
export const exactly = (version: number): Expectation => ({ _tag: "Exactly", version })

/**
 * Whether a stream at version `actual` is as expected.
 *
 * @example
 * ```ts
 * import { Expectation } from "@hexfold/core/adapter"
 *
 * Expectation.holds(Expectation.exactly(3), 4) // false
 * ```
 */
export const holds = (expected: Expectation, actual: number): boolean => {
  switch (expected._tag) {
    case "Any":
      return true
    case "NoStream":
      return actual === 0
    case "StreamExists":
      return actual > 0
    case "Exactly":
      return actual === expected.version
  }
}
