import { assert } from "@effect/vitest"
import type { Publisher } from "@hexfold/core"
import { Context, DateTime, Effect, type Scope } from "effect"
import type * as Backend from "./PublisherBackend.ts"

/** The backend of a case. */
export class Backends extends Context.Service<
  Backends,
  (options: Backend.OpenOptions) => Effect.Effect<Backend.Opened, never, Scope.Scope>
>()("@hexfold/testing/contracts/publisher/Backends") {}

/** The program that tests a promise, and what it needs of the receiver. */
export interface Case {
  readonly needs: ReadonlyArray<Backend.Capability>
  readonly program: Effect.Effect<void, unknown, Backends | Scope.Scope>
}

/** Promises and the programs that test them. */
export type Cases = Readonly<Record<string, Case>>

/** Makes a case that needs capabilities. */
export const needs =
  (...capabilities: ReadonlyArray<Backend.Capability>) =>
  (body: () => Generator<Effect.Effect<unknown, unknown, Backends | Scope.Scope>, void, never>): Case => ({
    needs: capabilities,
    program: Effect.gen(body)
  })

/** Opens a publisher. */
export const open = (options: Backend.OpenOptions = {}) => Backends.use((opened) => opened(options))

/** The name of a publication that no other case has. */
export const newPublication = (): string => `orders-${crypto.randomUUID()}.v1`

/** A message, with what is not given filled in. */
export const message = (
  publication: string,
  key: string,
  given: Partial<Publisher.Message> = {}
): Publisher.Message => ({
  id: crypto.randomUUID(),
  source: "/shop/orders",
  publication,
  type: "OrderPlaced",
  key,
  time: DateTime.makeUnsafe("2026-03-01T12:00:00.123Z"),
  schemaVersion: 1,
  correlationId: "request-1",
  causationId: "command-1",
  body: { order: key },
  ...given
})

/** Some messages of a key, whose bodies are numbers from 1. */
export const messages = (publication: string, key: string, count: number): ReadonlyArray<Publisher.Message> =>
  Array.from({ length: count }, (_, i) => message(publication, key, { body: i + 1 }))

/** What became of the messages, as words. */
export const tags = (outcomes: ReadonlyArray<Publisher.Outcome>): ReadonlyArray<string> =>
  outcomes.map(({ _tag }) => _tag)

/** The error of an outcome, which has failed. */
export const errorOf = (outcome: Publisher.Outcome | undefined) => {
  assert.strictEqual(outcome?._tag, "Failed")
  if (outcome?._tag !== "Failed") throw new Error("the message has not failed")
  return outcome.error
}

/** The ids of the messages of a key that a receiver keeps, without copies. */
export const idsOf = (kept: ReadonlyArray<Publisher.Message>, publication: string, key: string) => [
  ...new Set(kept.filter((each) => each.publication === publication && each.key === key).map(({ id }) => id))
]
