/** Which recorded events a reader is given: it passes the others without looking at them. */
import * as StreamId from "../StreamId.ts"

/** The events that a reader follows, by the types under which they are stored. */
export interface Follows {
  readonly aggregates: ReadonlyArray<string>
  /**
   * The types that it passes, by aggregate: those that are declared and that it does not handle. It is given what is
   * retired, because that may become an event that it handles, and what this program does not know, because nobody may
   * pass that.
   */
  readonly except: Readonly<Record<string, ReadonlyArray<string>>>
}

/** Whether a reader is given an event. */
export const isFollowed = (
  { aggregates, except }: Follows,
  { streamId, type }: { readonly streamId: StreamId.StreamId; readonly type: string }
): boolean => {
  const aggregate = StreamId.aggregateOf(streamId)
  return aggregates.includes(aggregate) && except[aggregate]?.includes(type) !== true
}

/** What has to be read so that each of several readers is given its events. */
export const union = (all: ReadonlyArray<Follows>): Follows => {
  const aggregates = [...new Set(all.flatMap((each) => each.aggregates))]
  const except = aggregates.map((name) => {
    const [first, ...others] = all.filter((each) => each.aggregates.includes(name))
    const passed = first!.except[name] ?? []
    return [name, passed.filter((type) => others.every((each) => each.except[name]?.includes(type) === true))] as const
  })
  return { aggregates, except: Object.fromEntries(except) }
}
