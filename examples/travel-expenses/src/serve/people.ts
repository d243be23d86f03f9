/**
 * The people who use the example. Their tokens are no secret, so the program listens on this machine alone. In a program of
 * your own, an identity provider issues the tokens: see `Tokens` of `@hexfold/server/auth`.
 */
import type { Role } from "../api.ts"

export interface Person {
  readonly name: string
  readonly role: Role
  readonly token: string
}

export const people: ReadonlyArray<Person> = [
  { name: "emma", role: "EMPLOYEE", token: "demo-emma" },
  { name: "paul", role: "PRE_APPROVER", token: "demo-paul" },
  { name: "ada", role: "ADMINISTRATION", token: "demo-ada" },
  { name: "bob", role: "BUDGET OWNER", token: "demo-bob" },
  { name: "sue", role: "SUPERVISOR", token: "demo-sue" },
  { name: "pay", role: "SYSTEM", token: "demo-pay" },
  { name: "carl", role: "CONTROLLER", token: "demo-carl" }
]
