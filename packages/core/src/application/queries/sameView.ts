import * as Effect from "effect/Effect"
import type * as Query from "../../domain/Query.ts"
import type { ViewName } from "./waitFor.ts"

/** Dies if a query asks for the records of another view. The compiler finds this only for views with known names. */
export const checkSameView = (view: Pick<ViewName, "name">, query: Query.Query | Query.Groups): Effect.Effect<void> =>
  query.view === view.name
    ? Effect.void
    : Effect.die(new Error(`the query asks for records of ${query.view}, but it is given with the view ${view.name}`))
