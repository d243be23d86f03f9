import { layer as withLayer } from "@effect/vitest"
import { Context, Effect, Layer, type Scope } from "effect"
import { afterAll, describe, it as test } from "vitest"
import type * as Backend from "./Backend.ts"
import { type Contract, type Listed, plan, summary } from "./plan.ts"

/** A case that takes longer hangs, in milliseconds. Cases take some seconds, and ten times as long on a busy machine. */
export const patience = 180_000

/** The data that the cases of a contract share. */
class Data extends Context.Service<Data, Backend.Open>()("@hexfold/testing/contracts/Data") {}

/** Declares the cases of a contract in a test file of Vitest. */
export const suite = (contract: Contract, name: string, backend: Backend.Backend): void => {
  const planned = plan(contract, backend.capabilities)
  const data: Effect.Effect<Backend.Open, unknown, Data | Scope.Scope> = contract.ownData ? backend.data : Data
  describe(`${contract.name}: ${name}`, () => {
    withLayer(Layer.effect(Data, backend.data), { excludeTestServices: true, timeout: "2 minutes" })((it) => {
      declare(planned, ({ run, title }) => it.effect(title, () => Effect.flatMap(data, run), patience))
    })
    list(`${contract.name}: ${name}`, planned)
  })
}

/** Declares cases by their groups. Those that need what the backend does not declare are only named. */
export const declare = <Each extends Listed>(planned: ReadonlyArray<Each>, declareCase: (each: Each) => void): void => {
  for (const [group, cases] of Map.groupBy(planned, ({ group }) => group)) {
    describe(group, () => {
      for (const each of cases.filter(({ undeclared }) => undeclared.length === 0)) declareCase(each)
      for (const { title, undeclared } of cases.filter(({ undeclared }) => undeclared.length > 0)) {
        // The adapter's author sees the name of each case that does not run.
        // oxlint-disable-next-line vitest/warn-todo
        test.todo(`${title} [needs ${undeclared.join(", ")}, which the backend does not declare]`)
      }
    })
  }
}

/** Prints the cases that do not run, after the others have run. */
export const list = (name: string, planned: ReadonlyArray<Listed>): void => {
  const listed = summary(planned)
  // Reporters print the titles of such cases only when they are verbose.
  // oxlint-disable-next-line no-console
  if (listed !== "") afterAll(() => console.log(`${name}: not declared, so not run:\n${listed}`))
}
