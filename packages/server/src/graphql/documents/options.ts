/** How an API is served over GraphQL. */
import { Config, type Duration, Effect } from "effect"
import type { Limits } from "./limits.ts"

/** How an API is served over GraphQL. */
export interface Options {
  readonly isOpen: boolean
  readonly limits: Limits
  readonly documents: ReadonlyMap<string, string> | undefined
  readonly patience: Duration.Input
}

/** What a program may say of it. */
export interface Given {
  /**
   * Whether clients may ask for the schema, and wrong names are answered with similar ones. By default only while the
   * environment variable `NODE_ENV` is `development`.
   */
  readonly introspection?: boolean
  /** How deep fields may be nested. 12 by default. */
  readonly maxDepth?: number
  /** The most fields of an answer: those below a page count for each of its records. 5,000 by default. */
  readonly maxCost?: number
  /** The most tokens of a document. 2,000 by default. */
  readonly maxTokens?: number
  /** The only documents that are taken, by the SHA-256 of their texts in hexadecimal. By default every document is taken. */
  readonly documents?: ReadonlyMap<string, string>
  /** For how long a mutation waits for the views of `waitFor`. 5 seconds by default. */
  readonly wait?: Duration.Input
}

/** The options with everything filled in. */
export const optionsOf = (
  { documents, introspection, maxCost, maxDepth, maxTokens, wait }: Given,
  isDevelopment: boolean
): Options => ({
  isOpen: introspection ?? isDevelopment,
  limits: { maxDepth: maxDepth ?? 12, maxCost: maxCost ?? 5_000, maxTokens: maxTokens ?? 2_000 },
  documents,
  patience: wait ?? defaultWait
})

/** For how long a mutation waits for views by default. */
export const defaultWait = "5 seconds"

/** Whether the program is being developed. Not every host of a front has environment variables. */
export const developing: Effect.Effect<boolean> = Config.String("NODE_ENV").pipe(
  Effect.map((environment) => environment === "development"),
  Effect.orElseSucceed(() => false)
)
