/** The ways to keep views up to date while the log is executed. */
import {
  type DefinitionDiffers,
  type EventStoreError,
  Projection,
  type View,
  type ViewStoreError,
  type WaitTimeout
} from "@hexfold/core"
import { Effect } from "effect"
import { Declarations, Histories, LeadTimes, Spending } from "./views.ts"

/** What applies the events: a catch-up at the end, projections during the run, or the appends themselves. */
export type Way = "after" | "live" | "inline"

export const views = [Declarations, Histories, Spending, LeadTimes]

/** The same view, maintained by the appends in their own transactions. The change needs no rebuild. */
const inline = <V extends View.Any>(view: V): V => ({ ...view, consistency: "inline" })

const inlineViews = views.map(inline)

/** The definitions that the stores need. */
export const definitions = (way: Way): ReadonlyArray<View.Any> => (way === "inline" ? inlineViews : views)

/** Applies all events of the store. */
const project = (
  all: ReadonlyArray<View.Any>
): Effect.Effect<void, Projection.Failure | DefinitionDiffers, Projection.Stores> =>
  Effect.forEach(all, (view) => Projection.catchUp(view), { discard: true })

/** Runs a program that appends events up to a position, and ends when the views reflect them. */
export const keeping = <A extends { readonly position: number }, E, R>(
  way: Way,
  program: Effect.Effect<A, E, R>
): Effect.Effect<A, E | Kept, R | Projection.Stores> => {
  switch (way) {
    case "after":
      return Effect.tap(program, project(views))
    case "live":
      return followed(views, program)
    case "inline":
      // The appends take over when a view has caught up. If one cannot apply its events, the projection takes over.
      return Effect.andThen(project(inlineViews), followed(inlineViews, program))
  }
}

type Kept = DefinitionDiffers | Projection.Failure | WaitTimeout | EventStoreError | ViewStoreError

const followed = <A extends { readonly position: number }, E, R>(
  all: ReadonlyArray<View.Any>,
  program: Effect.Effect<A, E, R>
): Effect.Effect<A, E | Kept, R | Projection.Stores> =>
  program.pipe(Projection.waitFor(all, { timeout: "5 minutes" }), Effect.provide(Projection.layer(all)))

/** Compares the records with the events, and reports how many records there are and how many differ. */
export const verified: Effect.Effect<
  string,
  Effect.Error<ReturnType<typeof Projection.verify>>,
  Projection.Stores
> = Effect.map(
  Effect.forEach(views, (view) =>
    Effect.map(
      Projection.verify(view),
      ({ compared, different }) => `${view.name}: ${compared} records verified, ${different} differ`
    )
  ),
  (lines) => lines.join("\n")
)
