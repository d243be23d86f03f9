/** Histories of transfers between accounts and of looks at them, as a store could record them, and damaged ones. */
import { type EventStore, StreamId } from "@hexfold/core"
import type { SerialOrder } from "@hexfold/testing"
import { Arbitrary, DateTime, Result, Schema } from "effect"

/**
 * Moves an amount, or pays it in if both accounts are one, or looks at some
 * accounts: a look is always rejected, with the balances that it saw and the last
 * account that was changed.
 */
export type Command =
  | { readonly _tag: "Transfer"; readonly from: number; readonly to: number; readonly amount: number }
  | { readonly _tag: "Look"; readonly at: ReadonlyArray<number>; readonly seesLast: boolean }
/** What is added to an account. A payment also records the account that was changed before. */
interface Moved {
  readonly account: number
  readonly amount: number
  readonly last?: number
}
type Operation = SerialOrder.Operation<Command, Moved, string>
/** The last account depends on the order of events in different streams, as the balances do not. */
interface Balances {
  readonly of: ReadonlyArray<number>
  readonly last: number
}

export const model: SerialOrder.Model<Balances, Command, Moved, string> = {
  initial: { of: [2, 2, 2, 2], last: -1 },
  decide: (command, { last, of }) => {
    if (command._tag === "Look") {
      return Result.fail(
        `saw ${command.at.map((account) => of[account]).join(" ")}${command.seesLast ? ` after ${last}` : ""}`
      )
    }
    const { amount, from, to } = command
    if (amount === 0) return Result.succeed([])
    if (from === to) return Result.succeed([{ account: to, amount, last }])
    if (of[from]! < amount) return Result.fail(`only ${of[from]}`)
    return Result.succeed([
      { account: from, amount: -amount },
      { account: to, amount }
    ])
  },
  evolve: ({ of }, { data: { account, amount } }) => ({
    of: of.map((balance, i) => (i === account ? balance + amount : balance)),
    last: account
  })
}

const event = (data: Moved, version: number, position: number): EventStore.RecordedEvent<Moved> => ({
  id: `event-${position}`,
  streamId: StreamId.make("Account", String(data.account)),
  version,
  position,
  type: "Moved",
  schemaVersion: 1,
  data,
  metadata: { correlationId: "c", causationId: "c" },
  recordedAt: DateTime.makeUnsafe(0),
  imported: false
})

const upTo = (maximum: number) => Schema.Int.check(Schema.isBetween({ minimum: 0, maximum }))
const account = upTo(3)

/** A command, and when it began, took effect, ended, and drew its positions. */
const Call = Schema.Struct({
  isLook: Schema.Boolean,
  seesLast: Schema.Boolean,
  from: account,
  to: account,
  amount: upTo(3),
  began: upTo(10),
  effectAfter: upTo(8),
  endAfter: upTo(5),
  drawnBefore: upTo(8),
  lag: upTo(1),
  knows: Schema.Literals(["nothing", "nothing", "horizon", "clock", "both"])
})
type Call = typeof Call.Type

const Damage = Schema.Struct({
  kind: Schema.Literals([
    "none",
    "none",
    "outcomes",
    "after",
    "times",
    "version",
    "amount",
    "positions",
    "saw",
    "lost"
  ]),
  i: upTo(6),
  j: upTo(6),
  by: upTo(4)
})
type Damage = typeof Damage.Type

interface Generated {
  readonly operations: ReadonlyArray<Operation>
  readonly isDamaged: boolean
}

/** Histories of at most so many operations. If all overlap, nothing is known of their times. */
export const histories = (
  maxLength: number,
  { allOverlap = false }: { readonly allOverlap?: boolean } = {}
): Arbitrary.Arbitrary<Generated> =>
  Arbitrary.map(
    Arbitrary.all({
      calls: Arbitrary.array(Arbitrary.schema(Call), { minLength: Math.min(3, maxLength), maxLength }),
      damage: Arbitrary.schema(Damage)
    }),
    ({ calls, damage }) => ({
      operations: damaged(recorded(allOverlap ? calls.map(overlapping) : calls), damage),
      isDamaged: damage.kind !== "none"
    })
  )

const overlapping = (call: Call): Call => ({
  ...call,
  began: 0,
  effectAfter: 8 + call.effectAfter,
  drawnBefore: 2 * call.drawnBefore,
  knows: "nothing"
})

const commandOf = ({ amount, from, isLook, seesLast, to }: Call): Command =>
  isLook
    ? { _tag: "Look", at: amount % 2 === 0 ? [0, 1, 2, 3] : [from, to], seesLast }
    : { _tag: "Transfer", from, to, amount }

/** What a store records when each call takes effect at its moment. Appends of different streams overlap. */
const recorded = (calls: ReadonlyArray<Call>): ReadonlyArray<Operation> => {
  let balances = model.initial
  const versions = [0, 0, 0, 0]
  const lastEffects = [0, 0, 0, 0]
  const effects = calls
    .map((call) => ({ call, effect: call.began + call.effectAfter }))
    .sort((a, b) => a.effect - b.effect)
    .map(({ call, effect }) => {
      const command = commandOf(call)
      const outcome = model.decide(command, balances)
      const moved = Result.isSuccess(outcome) ? outcome.success : []
      // Positions are drawn while the streams are held.
      const drawn = Math.max(call.began, effect - call.drawnBefore, ...moved.map((each) => lastEffects[each.account]!))
      const events = moved.map((data) => {
        lastEffects[data.account] = effect
        balances = model.evolve(balances, event(data, 0, 0))
        return { data, version: ++versions[data.account]! }
      })
      return { call, command, drawn, effect, events, outcome }
    })
  let position = 0
  const firsts = new Map<Call, number>()
  for (const { call, events } of [...effects].sort((a, b) => a.drawn - b.drawn)) {
    firsts.set(call, position + 1)
    position += events.length
  }
  return effects.map(({ call, command, effect, events, outcome }): Operation => {
    const pending = effects.filter((other) => other.events.length > 0 && other.effect >= call.began)
    const horizon = Math.min(position, ...pending.map((other) => firsts.get(other.call)! - 1))
    return {
      command,
      outcome: Result.map(outcome, () =>
        events.map(({ data, version }, i) => event(data, version, firsts.get(call)! + i))
      ),
      ...(call.knows === "horizon" || call.knows === "both" ? { after: Math.max(0, horizon - call.lag) } : {}),
      ...(call.knows === "clock" || call.knows === "both" ? { began: call.began, ended: effect + call.endAfter } : {})
    }
  })
}

const damaged = (operations: ReadonlyArray<Operation>, { by, i, j, kind }: Damage): ReadonlyArray<Operation> => {
  const [a, b] = [operations[i % operations.length]!, operations[j % operations.length]!]
  const change = (of: Operation, to: (operation: Operation) => Operation) =>
    operations.map((operation) => (operation === of ? to(operation) : operation))
  const changeEvents = (f: (event: EventStore.RecordedEvent<Moved>) => EventStore.RecordedEvent<Moved>) =>
    change(a, (operation) => ({ ...operation, outcome: Result.map(operation.outcome, (events) => events.map(f)) }))
  switch (kind) {
    case "none":
      return operations
    case "lost":
      return operations.filter((operation) => operation !== a)
    case "outcomes":
      return operations.map((operation) =>
        operation === a ? { ...a, outcome: b.outcome } : operation === b ? { ...b, outcome: a.outcome } : operation
      )
    case "after":
      return change(a, (operation) => ({ ...operation, after: by * 2 }))
    case "times":
      return change(a, (operation) => ({ ...operation, began: j + 2 * by, ended: 2 * j + by }))
    case "version":
      return changeEvents((each) => ({ ...each, version: by + 1 }))
    case "amount":
      return changeEvents((each) => ({ ...each, data: { ...each.data, amount: by } }))
    case "positions":
      return changeEvents((each) => ({ ...each, position: each.position + 2 * by - 4 }))
    case "saw":
      return change(a, (operation) => ({
        ...operation,
        outcome: Result.mapError(operation.outcome, (error) => error.replace(/\d/, String(by)))
      }))
  }
}
