import { Aggregate, Decision, Executor, Reactor, Versions } from "@hexfold/core"
import { Effect, Layer, Schedule, Schema, Stream } from "effect"
import { eventually } from "../eventually.ts"
import type { TroubledNode } from "../projections/trouble.ts"

/** The cases wait in real time until leases end, so leases are short. */
const quick = { lease: "1 second", pause: "20 millis" } as const

/** The options of a job that ends by itself. On a busy machine a short lease is too short for it. */
export const job = { ...quick, lease: "10 seconds" } as const

/** A handler that fails is run again soon, twice. */
const soon = Schedule.max([Schedule.spaced("5 millis"), Schedule.recurs(2)])

class Note extends Schema.TaggedClass<Note>()("Note", { n: Schema.Int }) {}
class Noted extends Schema.TaggedClass<Noted>()("Noted", { n: Schema.Int }) {}
class SeveralNoted extends Schema.TaggedClass<SeveralNoted>()("SeveralNoted", { ns: Schema.Array(Schema.Int) }) {}

const aggregate = (name: string) =>
  Aggregate.make(name, {
    id: Schema.String,
    state: Schema.Array(Schema.Int),
    initial: [],
    commands: [Note],
    events: [Noted],
    retired: [Versions.retired(SeveralNoted, ({ ns }) => ns.map((n) => new Noted({ n })))],
    errors: [],
    decide: { Note: ({ n }) => Decision.accept(new Noted({ n })) },
    evolve: { Noted: (all, { n }) => [...all, n] }
  })

/** Journals of numbers: of the first one the events are reacted to, and the commands go to the second one. */
export const newJournals = () => {
  const name = crypto.randomUUID().replaceAll("-", "")
  return { source: aggregate(`Source_${name}`), target: aggregate(`Target_${name}`) }
}

export type Journals = ReturnType<typeof newJournals>
type Journal = Journals["source"]

/** Appends numbers to a stream, each by a command of its own. */
export const note = ({ run }: TroubledNode, journal: Journal, id: string, ...ns: ReadonlyArray<number>) =>
  run(Effect.forEach(ns, (n) => Executor.execute(journal, id, new Note({ n })), { discard: true }))

/** Appends numbers to a stream as one stored event, which becomes one current event for each of them. */
export const noteAtOnce = (node: TroubledNode, journal: Journal, id: string, ...ns: ReadonlyArray<number>) =>
  appendRaw(node, journal, id, "SeveralNoted", { _tag: "SeveralNoted", ns: [...ns] })

/** Appends an event of a retired type that does not decode. */
export const noteBroken = (node: TroubledNode, journal: Journal, id: string) =>
  appendRaw(node, journal, id, "SeveralNoted", { _tag: "SeveralNoted" })

/** Appends an event that only a newer program knows. */
export const noteUnknown = (node: TroubledNode, journal: Journal, id: string) =>
  appendRaw(node, journal, id, "Newer", { _tag: "Newer" })

const appendRaw = ({ eventStore }: TroubledNode, journal: Journal, id: string, type: string, data: Schema.Json) => {
  const eventId = crypto.randomUUID()
  const event = { id: eventId, type, data, metadata: { correlationId: eventId, causationId: eventId } }
  const write = { streamId: journal.streamId(id), events: [event] }
  return eventStore.append({ conditions: [], parts: [{ writes: [write], reads: [] }] })
}

/** Executes the command that notes a number. */
export const noting = (journal: Journal, id: string, n: number) => Executor.execute(journal, id, new Note({ n }))

/** The numbers of a journal. */
export const numbersOf = ({ run }: TroubledNode, journal: Journal, id: string) =>
  Effect.map(run(Executor.load(journal, id)), ({ state }) => state)

/** The last position of the events of a journal. */
export const lastOf = ({ eventStore }: TroubledNode, journal: Journal) =>
  Effect.map(Stream.runLast(eventStore.readAll({ aggregates: [journal.name] })), (last) =>
    last._tag === "None" ? 0 : last.value.position
  )

/** What differs between the reactors of the cases. */
export interface Definition {
  readonly version?: number
  readonly name?: string
  readonly start?: Reactor.Start
  readonly onPoison?: "stop" | "skip" | "park"
  readonly imported?: "pass" | "react"
  readonly key?: (n: number, id: string) => string
  readonly keyVersion?: number
}

/** A reactor that does something for each number of the first journal. */
export const reactorOf = <E, R>(
  { source }: Journals,
  handle: (n: number, id: string) => Effect.Effect<unknown, E, R>,
  { key, name = "R", start = "beginning", ...definition }: Definition = {}
) =>
  Reactor.make(`${name}_${source.name}`, {
    from: [source],
    start,
    retry: soon,
    ...definition,
    ...(key && { key: (event: { readonly n: number }, { id }: { readonly id: string }) => key(event.n, id) }),
    on: { Noted: ({ n }, { id }) => handle(n, id) }
  })

/** A reactor that copies each number of the first journal to the second one, after it has done something else. */
export const copier = <E = never, R = never>(
  journals: Journals,
  first: (n: number, id: string) => Effect.Effect<unknown, E, R> = () => Effect.void,
  definition: Definition = {}
) => reactorOf(journals, (n, id) => Effect.andThen(first(n, id), noting(journals.target, id, n)), definition)

/** Runs a reactor in a node until the case ends. Gives the fiber, whose interruption stops the reactor. */
export const reacting = <const A extends Reactor.Any>(node: TroubledNode, reactor: A, options: Reactor.Options = {}) =>
  Effect.forkScoped(node.run(Layer.launch(Reactor.layer([reactor], { ...quick, ...options }))))

/** Waits until a journal has these numbers. */
export const comesTo = (node: TroubledNode, journal: Journal, id: string, ns: ReadonlyArray<number>) =>
  eventually(
    `${id} has the numbers ${ns.join(", ")}`,
    Effect.map(numbersOf(node, journal, id), (all) => JSON.stringify(all) === JSON.stringify(ns))
  )

/** Whole numbers from the first to the last. */
export const range = (first: number, last: number): ReadonlyArray<number> =>
  Array.from({ length: last - first + 1 }, (_, i) => first + i)
