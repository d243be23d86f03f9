/** A server with accounts: `a` and `c` of ann, `b` of bob. The views show them. */
import type { Api } from "@hexfold/core"
import { Effect } from "effect"
import type { Open, Options } from "../Front.ts"

/** The header of a client that waits for the views. */
const wait = { prefer: "wait=60" }

export const filled = (open: Open, api: Api.Any, options: Options = {}) =>
  Effect.tap(open(api, options), ({ json }) =>
    Effect.forEach(
      [
        ["a", "ann"],
        ["b", "bob"],
        ["c", "ann"]
      ] as const,
      ([id, owner]) => json(`/aggregates/Account/${id}/Open`, { body: { owner }, headers: wait, as: owner })
    )
  )

/** The parameter `where`, as it stands in an address. */
export const where = (filter: object): string => `where=${encodeURIComponent(JSON.stringify(filter))}`
