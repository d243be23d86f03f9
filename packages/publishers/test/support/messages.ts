import { assert } from "@effect/vitest"
import type { Publisher } from "@hexfold/core"
import { DateTime } from "effect"

/** A message, with what is not given filled in. */
export const message = (given: Partial<Publisher.Message> = {}): Publisher.Message => ({
  id: crypto.randomUUID(),
  source: "/shop/orders",
  publication: "orders.v1",
  type: "OrderPlaced",
  key: "order-1",
  time: DateTime.makeUnsafe("2026-03-01T12:00:00.123Z"),
  schemaVersion: 2,
  correlationId: "request-1",
  causationId: "command-1",
  body: { total: 12 },
  ...given
})

/** What became of the messages, as words. */
export const tags = (outcomes: ReadonlyArray<Publisher.Outcome>) => outcomes.map(({ _tag }) => _tag)

/** The error of an outcome, which has failed. */
export const errorOf = (outcome: Publisher.Outcome | undefined) => {
  assert.strictEqual(outcome?._tag, "Failed")
  if (outcome?._tag !== "Failed") throw new Error("the message has not failed")
  return outcome.error
}
