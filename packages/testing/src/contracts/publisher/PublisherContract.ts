/** The promises of the port to other systems as named cases. A publisher that passes them all is right. */
import { describe, it } from "@effect/vitest"
import { Effect, type Scope } from "effect"
import { declare, list, patience } from "../suite.ts"
import { Backends, type Cases } from "./cases.ts"
import { ending } from "./ending.ts"
import { failing } from "./failing.ts"
import { ordering } from "./ordering.ts"
import type { Capability, PublisherBackend } from "./PublisherBackend.ts"
import { sending } from "./sending.ts"

const groups: Readonly<Record<string, Cases>> = { sending, ordering, failing, ending }

/** A case as it concerns one backend. */
export interface Planned {
  readonly group: string
  /** The promise in words. */
  readonly title: string
  readonly needs: ReadonlyArray<Capability>
  /** The capabilities that the case needs and the backend does not declare. If there are some, it does not run. */
  readonly undeclared: ReadonlyArray<Capability>
  /** Runs the case on a backend. */
  readonly run: (backend: PublisherBackend) => Effect.Effect<void, unknown, Scope.Scope>
}

/** The cases on a backend that declares these capabilities: those that run, and those that are only listed. */
export const plan = (capabilities: ReadonlyArray<Capability>): ReadonlyArray<Planned> =>
  Object.entries(groups).flatMap(([group, cases]) =>
    Object.entries(cases).map(([title, { needs, program }]) => ({
      group,
      title,
      needs,
      undeclared: needs.filter((capability) => !capabilities.includes(capability)),
      run: ({ open }) => Effect.provideService(program, Backends, (options) => Effect.orDie(open(options)))
    }))
  )

/**
 * Declares the suite for a publisher, in a test file of Vitest. Every case opens a
 * publisher and a receiver of its own.
 *
 * @example
 * ```ts
 * import { type PublisherBackend, PublisherContract } from "@hexfold/testing/contracts"
 *
 * declare const backend: PublisherBackend.PublisherBackend
 *
 * PublisherContract.suite("my publisher", backend)
 * ```
 */
export const suite = (name: string, backend: PublisherBackend): void => {
  const planned = plan(backend.capabilities)
  describe(`PublisherContract: ${name}`, () => {
    declare(planned, ({ run, title }) => it.live(title, () => Effect.scoped(run(backend)), patience))
    list(`PublisherContract: ${name}`, planned)
  })
}
