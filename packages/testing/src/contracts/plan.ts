import { Effect, type Scope } from "effect"
import type * as Backend from "./Backend.ts"
import { Nodes, nodesOn } from "./nodes.ts"

/** The program that tests a promise. */
type Program = Effect.Effect<void, unknown, Nodes | Scope.Scope>

/** A program that runs only on a backend with some capabilities. */
export interface Case {
  readonly needs: ReadonlyArray<Backend.Capability>
  readonly program: Program
}

/** Promises and the programs that test them. */
export type Cases = Readonly<Record<string, Program | Case>>

/** The promises of one or several ports. */
export interface Contract {
  readonly name: string
  /** The capabilities that every case needs. */
  readonly needs: ReadonlyArray<Backend.Capability>
  /** Whether each case works on data of its own. */
  readonly ownData: boolean
  readonly groups: Readonly<Record<string, Cases>>
}

/** A case as it concerns one backend. */
export interface Planned {
  readonly group: string
  /** The promise in words. */
  readonly title: string
  readonly needs: ReadonlyArray<Backend.Capability>
  /** The capabilities that the case needs and the backend does not declare. If there are some, it does not run. */
  readonly undeclared: ReadonlyArray<Backend.Capability>
  /** Runs the case on some data. */
  readonly run: (open: Backend.Open) => Effect.Effect<void, unknown, Scope.Scope>
}

/** A case of any contract, as it is listed. */
export interface Listed {
  readonly group: string
  readonly title: string
  readonly undeclared: ReadonlyArray<string>
}

/** Makes a case that needs capabilities. */
export const needs =
  (...capabilities: ReadonlyArray<Backend.Capability>) =>
  (body: () => Generator<Effect.Effect<unknown, unknown, Nodes | Scope.Scope>, void, never>): Case => ({
    needs: capabilities,
    program: Effect.gen(body)
  })

/** All cases of a contract, in order: those that run on a backend, and those that need what it does not declare. */
export const plan = (contract: Contract, declared: ReadonlyArray<Backend.Capability>): ReadonlyArray<Planned> =>
  Object.entries(contract.groups).flatMap(([group, cases]) =>
    Object.entries(cases).map(([title, given]) => {
      const each = Effect.isEffect(given) ? { needs: [], program: given } : given
      const needs = [...new Set([...contract.needs, ...each.needs])]
      return {
        group,
        title,
        needs,
        undeclared: needs.filter((capability) => !declared.includes(capability)),
        run: (open) => Effect.provideService(each.program, Nodes, nodesOn(open, needs, declared))
      }
    })
  )

/** The cases that do not run, as text: the promises by the capabilities that they need. */
export const summary = (planned: ReadonlyArray<Listed>): string => {
  const listed = planned.filter(({ undeclared }) => undeclared.length > 0)
  const byCapabilities = Map.groupBy(listed, ({ undeclared }) => undeclared.join(", "))
  return Array.from(
    byCapabilities,
    ([capabilities, cases]) =>
      `${cases.length} cases need ${capabilities}:\n${cases.map(({ group, title }) => `  ${group}: ${title}`).join("\n")}`
  ).join("\n")
}
