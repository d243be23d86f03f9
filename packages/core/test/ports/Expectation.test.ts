import { expect, it } from "@effect/vitest"
import { Expectation } from "@hexfold/core/adapter"

it.each([
  [Expectation.any, [true, true, true]],
  [Expectation.noStream, [true, false, false]],
  [Expectation.streamExists, [false, true, true]],
  [Expectation.exactly(0), [true, false, false]],
  [Expectation.exactly(1), [false, true, false]],
  [Expectation.exactly(2), [false, false, true]]
] as const)("%o holds at the versions 0, 1 and 2: %o", (expected, holds) => {
  expect([0, 1, 2].map((version) => Expectation.holds(expected, version))).toEqual(holds)
})
