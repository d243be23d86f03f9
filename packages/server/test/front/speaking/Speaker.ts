/** What every front can be asked, in words of no front: one case runs for all of them. */
import type { Query } from "@hexfold/core"
import { Effect, type Schema, type Scope } from "effect"

/** A command of an account, or of a boundary, which has no id. */
export interface Command {
  readonly name: "Open" | "Deposit" | "Withdraw" | "Transfer"
  readonly id?: string
  readonly fields: object
}

/** What a command is sent with. */
export interface Sent {
  readonly as?: string
  /** Names the command. */
  readonly key?: string
  /** The version that is expected. */
  readonly version?: number
  /** Whether the views shall show the command before it is answered. */
  readonly waits?: boolean
  readonly correlationId?: string
}

/** A receipt, or the name of what was refused, with its facts. */
export interface Answer {
  readonly is: string
  readonly [fact: string]: unknown
}

/** The name of a refusal: `Unauthenticated`, `Forbidden`, `Invalid`, and so on. */
export type Refused = Answer

/** Records in order, and where the next page begins. */
interface Found {
  readonly rows: ReadonlyArray<Query.Row<Schema.Json>>
  readonly next?: string
  readonly total?: number
}

/** A page, or the name of what was refused. */
export type Page = Found | Refused

/** Results that come one after the other, and `undefined` at their proper end. */
export interface Followed<A> {
  readonly next: Effect.Effect<A | undefined>
}

/** An event of the feed. */
export interface Happened {
  readonly cursor: string
  readonly type: string
  readonly streamId: string
}

/** The results of something that is followed, which may come to a refusal; or the refusal to follow it. */
export type Live<A> = Effect.Effect<Followed<A | Refused>, Refused, Scope.Scope>

/** A way to ask an API. */
export interface Speaker {
  readonly name: string
  readonly execute: (command: Command, sent?: Sent) => Effect.Effect<Answer>
  readonly page: (query: Query.Query, as?: string) => Effect.Effect<Page>
  /** The fields of a record; `undefined` if there is no record. */
  readonly record: (
    view: string,
    key: string,
    select: ReadonlyArray<Query.Path>,
    as?: string
  ) => Effect.Effect<Schema.Json | Refused | undefined>
  readonly livePage: (query: Query.Query, as?: string) => Live<Page>
  readonly liveRecord: (view: string, key: string, select: ReadonlyArray<Query.Path>, as?: string) => Live<Schema.Json>
  readonly feed: (from: { readonly after?: string; readonly types?: string }, as?: string) => Live<Happened>
  /** The owners of the accounts, by the link to them. */
  readonly linked: (as?: string) => Effect.Effect<ReadonlyArray<readonly [account: string, owned: unknown]> | Refused>
}

/** What comes first of something that is followed: a refusal may come at once, or as the only result. */
export const firstOf = <A>(live: Live<A>): Effect.Effect<A | Refused | undefined, never, Scope.Scope> =>
  live.pipe(
    Effect.flatMap(({ next }) => next),
    Effect.catch((refused) => Effect.succeed(refused))
  )

/** The names of refusals that each front has for what is wrong with a question. */
export const refusal = (title: string): Refused => ({
  is: ["BAD_USER_INPUT", "InvalidRequest", "InvalidCursor", "InvalidQuery"].includes(title)
    ? "Invalid"
    : (codes[title] ?? title)
})

const codes: Readonly<Record<string, string>> = {
  UNAUTHENTICATED: "Unauthenticated",
  FORBIDDEN: "Forbidden",
  UNAVAILABLE: "Unavailable",
  TOO_MANY_REQUESTS: "TooManyRequests",
  INTERNAL: "InternalError"
}
