import { type Aggregate, Metadata, type Topic, View } from "@hexfold/core"
import { AppendCheck } from "@hexfold/core/adapter"
import { DateTime, Option, type Schema } from "effect"
import { compare, ScenarioFailure, type Shown } from "./compare.ts"
import { keepEvent, kept } from "./kept.ts"
import { type Events, listed, refuseAwait } from "./outcome.ts"

/** The scenarios of a view, with what has happened so far. */
export interface ViewScenario<State, Event extends Aggregate.Tagged, In extends View.Envelope<string, unknown>> {
  /**
   * These events have happened in a stream of an aggregate or a topic, such as `Account.at("a")`, after those before; as
   * arguments or as a list.
   */
  readonly given: <Name extends In["aggregate"], Given extends Event>(
    stream: Topic.Keyed<Name, Given>,
    ...events: Events<NoInfer<Given>>
  ) => ViewThen<State, Event, In>
  /** All events that are given from here on have these metadata and this time. What it leaves out stays as it was. */
  readonly with: (envelope: EnvelopeSettings) => ViewScenario<State, Event, In>
}

/** Events have happened; the next step says which records the view must have. */
export interface ViewThen<
  State,
  Event extends Aggregate.Tagged,
  In extends View.Envelope<string, unknown>
> extends ViewScenario<State, Event, In> {
  /** The view has exactly these records, by key. */
  readonly then: (records: Readonly<Record<string, State>>) => ViewScenario<State, Event, In>
  /** The view has no records. */
  readonly thenNothing: () => ViewScenario<State, Event, In>
}

/** What the events of a view's scenario have besides their content, in the words of `Metadata.with`. */
export interface EnvelopeSettings extends Metadata.Settings {
  /** When the store recorded them: a time, or its text such as `"2026-01-05T09:00:00Z"`. */
  readonly recordedAt?: DateTime.Utc | string
}

type GivenTo<Event, In extends View.Envelope<string, unknown>> = View.Given<In["aggregate"], In["id"], Event>

/** What envelopes have if the scenario says so. */
interface EnvelopeParts {
  readonly metadata?: Partial<Metadata.Metadata>
  readonly recordedAt?: DateTime.Utc
}

/** What has happened so far. */
interface Past<Event, In extends View.Envelope<string, unknown>> {
  /** The events, made when the records are asked for, so that what is wrong with one fails a test, and not a file of tests. */
  readonly events: () => ReadonlyArray<GivenTo<Event, In>>
  /** What the envelopes of the next events have. */
  readonly envelope: EnvelopeParts
}

/** The scenarios of a view without events. */
export const ofView = <
  Name extends string,
  State,
  Event extends Aggregate.Tagged,
  In extends View.Envelope<string, unknown>
>(
  view: View.View<Name, State, Event, In>
): ViewScenario<State, Event, In> => {
  const { name, schemas, sources } = view

  // Throws for a state that a store would change, and goes on with what a store would give back.
  const checked = {
    ...view,
    evolve: (state: State | undefined, event: Event, envelope: In) => {
      const next = view.evolve(state, event, envelope)
      const what = `${name}: the state after ${event._tag} of ${envelope.streamId}`
      return next === undefined ? undefined : kept(what, schemas.state, next).value
    }
  }

  const after = (past: Past<Event, In>): ViewThen<State, Event, In> => {
    const then = (records: Readonly<Record<string, State>>) => {
      refuseAwait("given", records)
      const expected = Object.entries(records).map(([key, state]): [string, State] => [key, state])
      const actual = View.fold(checked, past.events())
      compare(
        `${name} has other records`,
        stored("the expected record", schemas.state, expected),
        stored("the record", schemas.state, actual)
      )
      return goOn(past)
    }
    return { ...goOn(past), then, thenNothing: () => then({}) }
  }

  const goOn = (past: Past<Event, In>): ViewScenario<State, Event, In> => ({
    given: ({ source: { name: aggregate }, streamId }, ...events) =>
      after({
        ...past,
        events: () => {
          const source = sources.find((each) => each.name === aggregate)
          if (source === undefined) throw new ScenarioFailure(`${name} does not follow ${aggregate}`)
          const id = Option.getOrThrow(source.idOf(streamId))
          const before = past.events()
          refuseEarlier(streamId, before, past.envelope.recordedAt)
          const given = listed<Event>(events).map((event) => keepEvent(source, "the given event", event).value)
          return [...before, ...given.map((event) => ({ ...past.envelope, aggregate, id, streamId, event }))]
        }
      }),
    with: (settings) => goOn({ ...past, envelope: envelopeWith(past.envelope, settings) })
  })

  return goOn({ events: () => [], envelope: {} })
}

// The records as they are stored, in the order of their keys.
const stored = <State>(
  what: string,
  schema: Schema.Codec<State, unknown>,
  records: Iterable<[string, State]>
): Shown => {
  const all = Array.from(records, ([key, state]) => ({ key, ...kept(`${what} "${key}"`, schema, state) }))
  all.sort((a, b) => (a.key < b.key ? -1 : 1))
  return {
    json: Object.fromEntries(all.map(({ json, key }) => [key, json])),
    value: all.map(({ key, value }) => [key, value])
  }
}

const envelopeWith = (
  { metadata: outer, recordedAt: time }: EnvelopeParts,
  { recordedAt = time, ...own }: EnvelopeSettings
): EnvelopeParts => {
  const metadata = Metadata.added(outer ?? {}, own)
  const refused = AppendCheck.checkMetadata({ correlationId: "c", causationId: "c", ...metadata })
  if ("reason" in refused) throw new ScenarioFailure(refused.reason.detail)
  return { metadata, ...(recordedAt === undefined ? undefined : { recordedAt: timeOf(recordedAt) }) }
}

const timeOf = (time: DateTime.Utc | string): DateTime.Utc => {
  const made = DateTime.make(time)
  if (Option.isNone(made)) throw new ScenarioFailure(`recordedAt: "${String(time)}" is not a time`)
  return made.value
}

// The times of a stream never fall in a store.
const refuseEarlier = (
  streamId: string,
  before: ReadonlyArray<EnvelopeParts & { readonly streamId: string }>,
  now?: DateTime.Utc
) => {
  const last = before.findLast((each) => each.streamId === streamId)?.recordedAt
  if (now === undefined || last === undefined || DateTime.isGreaterThanOrEqualTo(now, last)) return
  const [later, earlier] = [DateTime.formatIso(last), DateTime.formatIso(now)]
  throw new ScenarioFailure(`the events of ${streamId} are not in the order of their times: ${later}, then ${earlier}`)
}
