/**
 * What every front promises, as named cases that run over a real socket on every store: each row of the tables in the
 * pages about HTTP and access. A front adds its cases to the list.
 */
import { it } from "@effect/vitest"
import { describe } from "vitest"
import { access } from "./cases/access.ts"
import { access as accessAlike } from "./cases/alike/access.ts"
import { commands as commandsAlike } from "./cases/alike/commands.ts"
import { following } from "./cases/alike/following.ts"
import { commands } from "./cases/commands.ts"
import { executions } from "./cases/executions.ts"
import { feed } from "./cases/feed.ts"
import { graphql } from "./cases/graphql.ts"
import { live } from "./cases/live.ts"
import { operations } from "./cases/operations.ts"
import { questions } from "./cases/questions.ts"
import { tokens } from "./cases/tokens.ts"
import { views } from "./cases/views.ts"
import { type Cases, started, type Stores } from "./Front.ts"

const groups: Readonly<Record<string, Cases>> = {
  commands,
  executions,
  views,
  live,
  feed,
  access,
  tokens,
  questions,
  operations,
  graphql,
  "every front: commands": commandsAlike,
  "every front: access": accessAlike,
  "every front: following": following
}

/** Declares the cases for a store, in a test file of Vitest. */
export const suite = (name: string, stores: Stores): void => {
  describe(`FrontContract: ${name}`, () => {
    for (const [group, cases] of Object.entries(groups)) {
      describe(`${group}`, () => {
        for (const [title, run] of Object.entries(cases)) {
          it.live(title, () => run((api, options) => started(stores, api, options)))
        }
      })
    }
  })
}
