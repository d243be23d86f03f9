/**
 * What an adapter needs to maintain inline views inside an append. All of it is
 * pure, so an adapter can use it in any transaction.
 */
import * as Result from "effect/Result"
import type * as Schema from "effect/Schema"
import { bounded, thrownText } from "../../domain/texts.ts"
import type * as View from "../../domain/View.ts"
import { distinct } from "../../domain/view/distinct.ts"
import { isFollowed } from "../../domain/view/follows.ts"
import * as ViewFold from "./fold.ts"
import type { RecordedEvent } from "../../ports/EventStore.ts"
import type { Changes } from "../../ports/ProjectionStore.ts"
import type { ProjectionFailed } from "./errors.ts"

export type { Changes } from "../../ports/ProjectionStore.ts"

/** How to apply events to the records of a view. */
export interface Plan {
  /** The keys of the records that the events touch. Empty if the view ignores the events. */
  readonly keys: ReadonlyArray<string>
  /** Applies all events to the stored records of these keys, or fails with the first event that it cannot apply. */
  readonly fold: (stored: ReadonlyMap<string, Schema.Json>) => Result.Result<Changes, ProjectionFailed>
  /**
   * Does the same as `fold`, in steps that an adapter can run with `Background.inSteps`
   * if its append is not one synchronous step. The result holds when all steps are done.
   */
  readonly folding: (stored: ReadonlyMap<string, Schema.Json>) => {
    readonly steps: Iterable<unknown>
    readonly result: () => Result.Result<Changes, ProjectionFailed>
  }
}

/**
 * Selects the views whose `consistency` is inline. Throws if two of them have the
 * same name, or if two views of the list have the same name and version.
 *
 * @example
 * ```ts
 * import { View } from "@hexfold/core"
 * import { InlineViews } from "@hexfold/core/adapter"
 *
 * declare const Balances: View.Any
 * declare const Statements: View.Any
 *
 * InlineViews.select([Balances, Statements])
 * ```
 */
export const select = (views: ReadonlyArray<View.Any>): ReadonlyArray<View.Any> => {
  const inline = distinct("the views of the stores", views).filter(({ consistency }) => consistency === "inline")
  const names = new Set<string>()
  for (const { name } of inline) {
    if (names.has(name)) throw new Error(`two inline views are called ${name}`)
    names.add(name)
  }
  return inline
}

/**
 * The warning that appends no longer maintain a view: the error with which an
 * event could not be applied, or undefined if this process does not have the
 * definition of the view.
 *
 * @example
 * ```ts
 * import { InlineViews } from "@hexfold/core/adapter"
 *
 * InlineViews.demotion("Balances", 1, undefined)
 * // "Balances, version 1: appends no longer maintain it, and its projection goes on: an append of a process ..."
 * ```
 */
export const demotion = (view: string, version: number, cause: unknown): string => {
  const why =
    cause === undefined ? "an append of a process that does not have this definition touches it" : thrownText(cause)
  return `${view}, version ${version}: appends no longer maintain it, and its projection goes on: ${bounded(why)}`
}

/** The names of the aggregates that a view follows. */
export const aggregatesOf = ({ follows }: View.Any): ReadonlyArray<string> => follows.aggregates

/**
 * The stored types that touch a view's records, and all that its sources declare. An append of any other type is one of
 * a program that knows more than this definition.
 */
export const storedTypesOf = ({
  follows: { except },
  sources
}: View.Any): { readonly touching: ReadonlyArray<string>; readonly known: ReadonlyArray<string> } => {
  const all = sources.flatMap(({ name, schemas: { events, stored } }) =>
    [...events.keys(), ...stored.keys()].map((type) => ({ type, touches: except[name]?.includes(type) !== true }))
  )
  const typesOf = (some: typeof all) => [...new Set(some.map(({ type }) => type))]
  return { touching: typesOf(all.filter(({ touches }) => touches)), known: typesOf(all) }
}

/**
 * Whether a view is given a recorded event of a stream: it handles the event, or may have to, or does not know it.
 *
 * @example
 * ```ts
 * import { StreamId, View } from "@hexfold/core"
 * import { InlineViews } from "@hexfold/core/adapter"
 *
 * declare const Balances: View.Any
 *
 * InlineViews.follows(Balances, { streamId: StreamId.make("Account", "1"), type: "Deposited" })
 * ```
 */
export const follows = (view: View.Any, { streamId, type }: Pick<RecordedEvent, "streamId" | "type">): boolean =>
  isFollowed(view.follows, { streamId, type })

/**
 * Plans how to apply events to the records of a view. The events are applied in
 * the order of their positions, whatever the order in which they are given.
 *
 * @example
 * ```ts
 * import { View } from "@hexfold/core"
 * import { InlineViews } from "@hexfold/core/adapter"
 * import type { EventStore } from "@hexfold/core"
 * import { Result, type Schema } from "effect"
 *
 * declare const Balances: View.Any
 * declare const events: ReadonlyArray<EventStore.RecordedEvent>
 * declare const load: (keys: ReadonlyArray<string>) => ReadonlyMap<string, Schema.Json>
 *
 * const changes = Result.flatMap(InlineViews.plan(Balances, events), ({ fold, keys }) => fold(load(keys)))
 * ```
 */
export const plan = (view: View.Any, events: ReadonlyArray<RecordedEvent>): Result.Result<Plan, ProjectionFailed> => {
  const { decode, folding } = ViewFold.of(view)
  const inOrder = events.filter((event) => follows(view, event)).toSorted((a, b) => a.position - b.position)
  return Result.map(Result.all(inOrder.map(decode)), (decoded) => {
    // One step for each record that an event touches.
    const begin = (stored: ReadonlyMap<string, Schema.Json>): ReturnType<Plan["folding"]> => {
      const { accept, after, changes } = folding(stored)
      let failed: ProjectionFailed | undefined
      const steps = function* () {
        for (const event of decoded) {
          const all: Array<Parameters<typeof accept>[0]> = []
          for (const key of event.keys) {
            const change = after(event, key)
            if (Result.isFailure(change)) {
              failed = change.failure
              return
            }
            all.push(change.success)
            yield
          }
          all.forEach(accept)
        }
      }
      return {
        steps: steps(),
        result: () => (failed === undefined ? Result.succeed(changes()) : Result.fail(failed))
      }
    }
    return {
      keys: [...new Set(decoded.flatMap(({ keys }) => keys))],
      folding: begin,
      fold: (stored) => {
        const { result, steps } = begin(stored)
        for (const _ of steps) continue
        return result()
      }
    }
  })
}
