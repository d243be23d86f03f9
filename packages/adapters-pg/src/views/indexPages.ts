/**
 * Pages that an index answers, read in the order of the index.
 *
 * An index holds the beginnings of keys, and a page needs the order of whole keys.
 * So each place in the index gives enough records, with all that are equal there,
 * and the process puts them in order. If a value is longer than what an index
 * holds, the answer is `undefined` and the page is read in the general way.
 */
import type { Query, ViewStore } from "@hexfold/core"
import { QueryEvaluation } from "@hexfold/core/adapter"
import { keyColumn } from "../sql/records.ts"
import { type Bind, columnOf, parameters, type Reading, type Statement } from "./queryColumns.ts"
import { type Interval, intervalsOf, isShort, isWithin, type Leaf, textsBetween } from "./queryTranslator.ts"
import { namedKeys, type SortKey, sortKey, textKey } from "./sortKey.ts"

type Loaded = Query.Row<ViewStore.Loaded["states"] extends ReadonlyMap<string, infer Json> ? Json : never>

/** Some keys of the first field in the order, that are together in the index and in the order. */
interface Piece {
  readonly has: (key: string) => boolean
  readonly interval: Interval
}

const point = (text: string): Piece => ({ has: (key) => key === text, interval: [["=", textKey(text)]] })

const range = (from: string, to: string | undefined): Piece => ({
  has: (key) => key >= from && (to === undefined || key < to),
  interval: [[">=", textKey(from)], ...(to === undefined ? [] : [["<", textKey(to)] as const])]
})

// Named numbers have their places in the order before or after all numbers, and in the index among the texts.
const piecesOf = (order: Query.Order): ReadonlyArray<Piece> => {
  const isNatural =
    (order.nulls ?? (order.direction === "asc" ? "first" : "last")) === (order.direction === "asc" ? "first" : "last")
  if (order.as === undefined && isNatural) return [{ has: () => true, interval: [] }]
  const nothing = point("0")
  const [low, high, none] = namedKeys.map(([name]) => point(name))
  const others =
    order.as === undefined
      ? [range("1", undefined)]
      : [range("1", "3"), low!, range("3", "5"), high!, none!, ...texts, range("6", undefined)]
  const values = order.direction === "asc" ? others : others.toReversed()
  const nullsFirst = (order.nulls ?? (order.direction === "asc" ? "first" : "last")) === "first"
  return nullsFirst ? [nothing, ...values] : [...values, nothing]
}

const texts = textsBetween.map((interval): Piece => ({
  interval,
  has: (key) =>
    (key > interval[0]![1].text && key < interval[1]![1].text) || (key === "5" && interval[0]![1].text === "5")
}))

// The intervals of a piece in which a filter may hold.
const restricted = (piece: Piece, filters: ReadonlyArray<Leaf>): ReadonlyArray<Interval> =>
  filters.reduce<ReadonlyArray<Interval>>(
    (found, filter) =>
      found.flatMap((interval) =>
        intervalsOf(filter)
          .filter((each) => piece.has(each[0]![1].text) || each.length > 1)
          .map((each) => [...interval, ...each])
      ),
    [piece.interval]
  )

// Either the interval or the place says where the search in the index begins: given both, a server may take the one that
// is further away.
const begun = (interval: Interval, place: ReadonlyArray<SortKey>, direction: Query.Order["direction"]) => {
  const begins = ([operator]: Interval[number]) =>
    direction === "asc" ? operator === ">" || operator === ">=" : operator === "<" || operator === "<="
  const sign = direction === "asc" ? 1 : -1
  const bounds = interval.filter(begins)
  const isPast = bounds.every(([, { text }]) => sign * QueryEvaluation.compareTexts(place[0]!.text, text) >= 0)
  // A place on an excluded bound has no record, and the records after it are within.
  if (!isPast) return { interval, place: undefined }
  const isOn = bounds.some(([operator, { text }]) => operator.length === 1 && text === place[0]!.text)
  return { interval: isOn ? interval : interval.filter((each) => !begins(each)), place }
}

const combinations = <A>(choices: ReadonlyArray<ReadonlyArray<A>>): ReadonlyArray<ReadonlyArray<A>> =>
  choices.reduce<ReadonlyArray<ReadonlyArray<A>>>(
    (found, choice) => found.flatMap((before) => choice.map((each) => [...before, each])),
    [[]]
  )

const leavesOf = (filter: Query.Filter | undefined): ReadonlyArray<Leaf> =>
  filter === undefined ? [] : filter._tag === "And" ? filter.filters.flatMap(leavesOf) : [filter as Leaf]

const isSame = (a: Query.Path, b: Query.Path): boolean => a.length === b.length && a.every((name, i) => name === b[i])

/** The statement for a page that an index answers. Undefined if the place is longer than what an index holds. */
export const translateIndexed = (
  schema: string,
  table: string,
  query: Query.Query,
  after: QueryEvaluation.Place | undefined
): Statement | undefined => {
  const { index, limit } = query
  if (index === undefined || limit === undefined) return undefined
  const { bind, binds } = parameters()
  const reading: Reading = { schema, bind, missing: [] }
  const leaves = leavesOf(query.where)
  const points = index.map((path) => leaves.find((leaf) => isSame(leaf.path, path) && isPoint(leaf)))
  const fixed = points.findIndex((leaf) => leaf === undefined)
  const open = fixed === -1 ? [] : index.slice(fixed)
  const heads = open.map((path) => columnOf(reading, path).head)
  const orders = open.map((path) => query.orderBy.findIndex((order) => isSame(order.path, path)))
  const place = after === undefined ? undefined : [...orders.map((i) => sortKey(after.values[i]!)), textKey(after.key)]
  if (place?.some(({ exact, text }) => !exact || !isShort(text))) return undefined
  const first = orders.length === 0 ? undefined : query.orderBy[orders[0]!]!
  const pieces = first === undefined ? [] : piecesOf(first)
  const here = place === undefined || first === undefined ? -1 : pieces.findIndex(({ has }) => has(place[0]!.text))
  const arms = new Arms({ table, bind, heads, limit, descends: first?.direction === "desc" })
  const bases = combinations(points.slice(0, fixed === -1 ? undefined : fixed).map((leaf) => intervalsOf(leaf!)))
  for (const base of bases) {
    const conditions = base.map((interval, i) => isWithin(bind, columnOf(reading, index[i]!), interval))
    if (first === undefined) {
      arms.add(conditions, place)
      continue
    }
    const column = columnOf(reading, open[0]!)
    for (const [i, piece] of pieces.entries()) {
      if (i < here) continue
      for (const interval of restricted(
        piece,
        leaves.filter((leaf) => isSame(leaf.path, open[0]!))
      )) {
        const from = i === here ? begun(interval, place!, first.direction) : { interval, place: undefined }
        const within = from.interval.length === 0 ? [] : [isWithin(bind, column, from.interval)]
        arms.add([...conditions, ...within], from.place)
      }
    }
  }
  // Where no record can be, no value was used.
  return arms.isEmpty
    ? { text: `select key, state from ${table} where false`, binds: [] }
    : { text: arms.text(), binds }
}

const isPoint = (leaf: Leaf): boolean => leaf._tag !== "Compare" || leaf.is === "eq"

interface Where {
  readonly table: string
  readonly bind: Bind
  /** What the index holds of the fields in the order. */
  readonly heads: ReadonlyArray<string>
  readonly limit: number
  readonly descends: boolean
}

/** The parts of a statement, each for one stretch of the index. */
class Arms {
  readonly #where: Where
  readonly #edges: Array<string> = []
  readonly #selects: Array<string> = []

  constructor(where: Where) {
    this.#where = where
  }

  /** Adds the records that meet conditions, from a place on. */
  add(conditions: ReadonlyArray<string>, place: ReadonlyArray<SortKey> | undefined): void {
    const { bind, descends, heads, limit } = this.#where
    const keys = place?.map(({ text }) => bind(text, "text"))
    if (!descends) {
      const from = keys === undefined ? [] : [`${row([...heads, keyColumn.head])} >= ${row(keys)}`]
      // One record more than the page and its successor: the record of the place itself is among them.
      return this.#select([...conditions, ...from], [...heads, keyColumn.head], limit + 2)
    }
    if (keys !== undefined) {
      const level = heads.map((head, i) => `${head} = ${keys[i]}`)
      const from = `${keyColumn.head} >= ${keys.at(-1)}`
      this.#select([...conditions, ...level, from], [keyColumn.head], limit + 2)
      return this.#descend([...conditions, `${row(heads)} < ${row(keys.slice(0, -1))}`])
    }
    this.#descend(conditions)
  }

  // Equal fields are ordered by ascending keys, which an index has only forwards. So it first finds the fields of the
  // last record that is needed, then the records before these fields, then those at them.
  #descend(conditions: ReadonlyArray<string>): void {
    const { heads, limit, table } = this.#where
    const edge = `edge_${this.#edges.length}`
    const down = [...heads, keyColumn.head].map((head) => `${head} desc`).join(", ")
    const fields = heads.map((head, i) => `${head} as field_${i}`).join(", ")
    this.#edges.push(
      `${edge} as materialized (select ${fields} from ${table}${clause(conditions)} order by ${down} offset ${limit} limit 1)`
    )
    const of = (i: number) => `(select field_${i} from ${edge})`
    const beyond = `${row(heads)} > ${row(heads.map((_, i) => `coalesce(${of(i)}, ''::text)`))}`
    this.#select(
      [...conditions, beyond],
      [...heads, keyColumn.head].map((head) => `${head} desc`),
      limit + 1
    )
    this.#select([...conditions, ...heads.map((head, i) => `${head} = ${of(i)}`)], [keyColumn.head], limit + 1)
  }

  #select(conditions: ReadonlyArray<string>, order: ReadonlyArray<string>, count: number): void {
    const { table } = this.#where
    this.#selects.push(
      `(select key, state from ${table}${clause(conditions)} order by ${order.join(", ")} fetch first ${count} rows with ties)`
    )
  }

  get isEmpty(): boolean {
    return this.#selects.length === 0
  }

  text(): string {
    const edges = this.#edges.length === 0 ? "" : `with ${this.#edges.join(", ")} `
    return `${edges}${this.#selects.join(" union all ")}`
  }
}

const row = (values: ReadonlyArray<string>): string => (values.length === 1 ? values[0]! : `(${values.join(", ")})`)

const clause = (conditions: ReadonlyArray<string>): string =>
  conditions.length === 0 ? "" : ` where ${conditions.join(" and ")}`

/**
 * The first records of a page and one more, from what its statement found.
 * Undefined if a value is longer than what an index holds, so that records may
 * be missing.
 */
export const inOrder = (
  query: Query.Query,
  after: QueryEvaluation.Place | undefined,
  found: ReadonlyArray<Loaded>
): ReadonlyArray<Loaded> | undefined => {
  const { limit = Infinity, orderBy } = query
  const placed = found.map((record) => ({ record, place: QueryEvaluation.placeOf(orderBy, record.key, record.state) }))
  if (placed.some(({ place }) => place.values.some((value) => !isShort(sortKey(value).text)))) return undefined
  return placed
    .filter(({ place }) => after === undefined || QueryEvaluation.comparePlaces(orderBy, place, after) > 0)
    .sort((a, b) => QueryEvaluation.comparePlaces(orderBy, a.place, b.place))
    .slice(0, limit + 1)
    .map(({ record }) => record)
}
