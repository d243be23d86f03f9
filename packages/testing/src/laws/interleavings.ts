/** The law that what happens to a process may come in any order in which it can happen. */
import type { Process } from "@hexfold/core"
import { Result } from "effect"
import { journeyOf } from "../histories/journey.ts"
import { printed } from "../histories/printed.ts"
import {
  type Answer,
  type Happening,
  type Inspect,
  type Played,
  playerOf,
  stateOf,
  type Stuck
} from "../processes/playing.ts"
import { scenarioOf } from "../processes/scenarioText.ts"
import { type Placed, type Story, textOf } from "../processes/simulation.ts"
import type { Broken } from "./broken.ts"

/** Kinds of events whose order counts: the order in which they come decides what the process does. */
export type Ordered = ReadonlyArray<ReadonlyArray<string>>

/** A law that is broken, with the code that shows it. */
export interface BrokenOrder extends Broken {
  readonly scenario: string
}

/**
 * Looks for two orders of what has happened to a process that end differently.
 *
 * An order can happen if it keeps the order of each stream, the events of one command together in theirs, an event after
 * what has made the process send its command, and the place of each timeout. Any two such orders are linked by exchanging
 * neighbours. So if two of them end differently, there are two that differ in one exchange alone.
 */
export const orderLaw = (process: Process.Any, ordered: Ordered, inspect: Inspect) => {
  const player = playerOf(process)
  const state = journeyOf(stateOf(process))

  return ({ answers, key, places }: Story): BrokenOrder | undefined => {
    /** What becomes of an order from a place on. */
    const playedFrom = (
      before: Played,
      order: ReadonlyArray<Placed>,
      inspect?: Inspect
    ): Result.Result<ReadonlyArray<Played>, Stuck> =>
      Result.gen(function* () {
        const all: Array<Played> = []
        let played = before
        for (const { happening } of order) {
          played = yield* player.take(played, happening, answerIn(answers), inspect)
          all.push(played)
        }
        return all
      })

    const begun = player.begin(key)
    const base = playedFrom(begun, places)
    if (Result.isFailure(base)) return undefined
    let order = places
    let played = base.success

    /** The order with two neighbours exchanged, if it can happen, and what becomes of it. */
    const exchanged = (at: number) => {
      const [one, other] = [order[at]!, order[at + 1]!]
      if (!areFree(one, other, places, ordered)) return undefined
      const next = order.with(at, other).with(at + 1, one)
      const before = at === 0 ? begun : played[at - 1]!
      const rest = playedFrom(before, next.slice(at))
      // A handler that throws is named by a law of its own.
      return { next, rest: Result.isFailure(rest) ? playedFrom(before, next.slice(at), inspect) : rest, at }
    }

    const found = ({ at, next, rest }: NonNullable<ReturnType<typeof exchanged>>): BrokenOrder | undefined => {
      const first = shownOf(next[at]!.happening)
      const second = shownOf(next[at + 1]!.happening)
      if (Result.isFailure(rest)) {
        const { cause, detail, law } = rest.failure
        const scenario = scenarioOf(process, rest.failure.played)
        const when = `${detail} This happens where ${first} comes before ${second}, and not where it comes after it.`
        return { law, detail: when, scenario, ...(cause === undefined ? {} : { cause }) }
      }
      const [one, other] = [played.at(-1)!, rest.success.at(-1)!]
      const difference = differenceOf(one, other, state)
      if (difference === undefined) return undefined
      const detail = `${first} comes before ${second}, or after it: ${difference}`
      return {
        law: "the order of events of different streams does not count",
        detail,
        scenario: `${scenarioOf(process, one)}\n\n${scenarioOf(process, other)}`
      }
    }

    let exchanges = 0
    // Each exchange alone, and then one after the other until later streams come first.
    for (let at = 0; at < order.length - 1 && exchanges < mostExchanges; at++) {
      const exchange = exchanged(at)
      if (exchange === undefined) continue
      exchanges++
      const broken = found(exchange)
      if (broken !== undefined) return broken
    }
    for (let isSorted = false; !isSorted && exchanges < mostExchanges;) {
      isSorted = true
      for (let at = 0; at < order.length - 1 && exchanges < mostExchanges; at++) {
        if (places.indexOf(order[at]!) > places.indexOf(order[at + 1]!)) continue
        const exchange = exchanged(at)
        if (exchange === undefined) continue
        exchanges++
        const broken = found(exchange)
        if (broken !== undefined) return broken
        isSorted = false
        order = exchange.next
        played = [...played.slice(0, at), ...Result.getOrThrow(exchange.rest)]
      }
    }
    return undefined
  }
}

const mostExchanges = 40

/** Whether two neighbours may come in either order. */
const areFree = (one: Placed, other: Placed, places: ReadonlyArray<Placed>, ordered: Ordered): boolean => {
  const [a, b] = [one.happening, other.happening]
  if (a._tag === "Timeout" || b._tag === "Timeout") return false
  if (a.streamId === b.streamId || one.command === other.command) return false
  const isCause = (of: Placed, by: Placed) => of.after !== undefined && places[of.after] === by
  if (isCause(other, one) || isCause(one, other)) return false
  return !ordered.some((kinds) => isOneOf(a, kinds) && isOneOf(b, kinds))
}

const isOneOf = (happening: Happening, kinds: ReadonlyArray<string>): boolean =>
  happening._tag === "Event" &&
  kinds.some((kind) => kind === happening.event._tag || kind === `${happening.source.name}/${happening.event._tag}`)

/** The answers of a story, to the same commands in another order. */
const answerIn =
  (answers: Story["answers"]) =>
  (sending: Process.Sending, { sent }: Played): Answer => {
    const text = textOf(sending)
    const own = sent.slice(0, sent.indexOf(sending)).filter((each) => textOf(each) === text).length
    const all = answers.get(text) ?? []
    return all[own] ?? all.at(-1) ?? { _tag: "Accepted" }
  }

/** What differs at the end: the state, the commands that were sent, the timeouts, or whether it has ended. */
const differenceOf = (one: Played, other: Played, state: ReturnType<typeof journeyOf<unknown>>): string | undefined => {
  const [a, b] = [one.instance, other.instance]
  if (!state.isSame(a.state, b.state)) return `the state is ${printed(a.state)}, or ${printed(b.state)}.`
  const sent = ({ sent }: Played) => sent.map(textOf).toSorted()
  const missing = withoutAll(sent(one), sent(other))
  const surplus = withoutAll(sent(other), sent(one))
  if (missing.length > 0) return `${commandOf(missing[0]!)} is sent, or is not.`
  if (surplus.length > 0) return `${commandOf(surplus[0]!)} is not sent, or is.`
  const ended = ({ status }: Played["instance"]) => (status === "ended" ? "has ended" : "goes on")
  if (ended(a) !== ended(b)) return `the process ${ended(a)}, or it ${ended(b)}.`
  const waits = ({ waiting }: Played["instance"]) =>
    waiting.map(({ at, name }) => `${name} at ${String(at)}`).toSorted()
  const [mine, theirs] = [waits(a).join(", "), waits(b).join(", ")]
  return mine === theirs ? undefined : `it waits for ${mine || "no timeout"}, or for ${theirs || "none"}.`
}

const withoutAll = (texts: ReadonlyArray<string>, others: ReadonlyArray<string>): ReadonlyArray<string> => {
  const left = [...others]
  return texts.filter((text) => {
    const index = left.indexOf(text)
    if (index >= 0) left.splice(index, 1)
    return index < 0
  })
}

const commandOf = (text: string): string => {
  const [target, id, command] = JSON.parse(text) as ReadonlyArray<unknown>
  return `${printed(command)} to ${String(target)}${id === null ? "" : ` ${printed(id)}`}`
}

const shownOf = (happening: Happening): string =>
  happening._tag === "Event" ? printed(happening.event) : `the timeout ${happening.name}`
