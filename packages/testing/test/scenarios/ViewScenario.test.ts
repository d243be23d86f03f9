import { Aggregate, Metadata, Topic, View } from "@hexfold/core"
import { Scenario } from "@hexfold/testing"
import { DateTime, Option, Result, Schema } from "effect"
import { assert, describe, expect, it } from "vitest"

class Deposited extends Schema.TaggedClass<Deposited>()("Deposited", { amount: Schema.Int }) {}
class Closed extends Schema.TaggedClass<Closed>()("Closed", {}) {}

const Account = Aggregate.make("Account", {
  id: Schema.String,
  state: Schema.Int,
  initial: 0,
  commands: [],
  events: [Deposited, Closed],
  errors: [],
  decide: {},
  evolve: { Deposited: (sum, { amount }) => sum + amount, Closed: () => 0 }
})

class Summary extends Schema.Class<Summary>("Summary")({ total: Schema.Int, lastAt: Schema.DateTimeUtc }) {}

const Summaries = View.make("Summaries", {
  from: [Account],
  state: Summary,
  evolve: {
    Deposited: (summary, { amount }, { recordedAt }) =>
      new Summary({ total: (summary?.total ?? 0) + amount, lastAt: recordedAt }),
    Closed: () => undefined
  }
})

const Totals = View.make("Totals", {
  from: [Account],
  state: Schema.Int,
  evolve: { Deposited: (sum = 0, { amount }) => sum + amount, Closed: () => undefined }
})

const totals = Scenario.of(Totals)

const Stranger = Aggregate.make("Stranger", {
  id: Schema.String,
  state: Schema.Int,
  initial: 0,
  events: [Closed],
  evolve: { Closed: () => 0 }
})

const lastAt = DateTime.makeUnsafe("2026-01-05T09:00:00Z")
const summaries = Scenario.of(Summaries).with({ recordedAt: lastAt })
const deposited = (...amounts: ReadonlyArray<number>) => amounts.map((amount) => new Deposited({ amount }))

const messageOf = (scenario: () => void): string => {
  try {
    scenario()
  } catch (failure) {
    if (failure instanceof Scenario.ScenarioFailure) return failure.message
    throw failure
  }
  return expect.fail("the scenario passed")
}

describe("a scenario of a view", () => {
  it("holds if the records are these, in whatever order", () => {
    summaries
      .given(Account.at("b"), deposited(1, 2))
      .given(Account.at("a"), deposited(5))
      .then({ a: new Summary({ total: 5, lastAt }), b: new Summary({ total: 3, lastAt }) })
    summaries.given(Account.at("a"), new Deposited({ amount: 1 }), new Closed()).thenNothing()
    summaries.given(Account.at("a")).thenNothing()
  })

  it("fails with the difference, line by line", () => {
    const one = summaries.given(Account.at("a"), deposited(1))
    expect(messageOf(() => one.then({ a: new Summary({ total: 2, lastAt }) }))).toBe(`Summaries has other records

  {
    "a": {
-     "total": 2,
+     "total": 1,
      "lastAt": "2026-01-05T09:00:00.000Z"
    }
  }

(- expected, + actual)`)
    assert.throws(() => one.thenNothing(), Scenario.ScenarioFailure)
    assert.throws(() => totals.given(Account.at("a")).then({ a: 1 }), Scenario.ScenarioFailure)
  })

  it("takes events as arguments, as a list, or both, in several steps", () => {
    const [one, two] = [new Deposited({ amount: 1 }), new Deposited({ amount: 2 })]
    totals.given(Account.at("a"), one, two).given(Account.at("b"), two).then({ a: 3, b: 2 })
    totals.given(Account.at("a"), [one, two]).given(Account.at("b"), [two], one).then({ a: 3, b: 3 })
    totals.given(Account.at("a"), one).given(Account.at("a"), new Closed()).thenNothing()
  })

  it("goes on after its records were compared, and leaves the scenario that it continues as it was", () => {
    const one = totals.given(Account.at("a"), deposited(1))
    one.then({ a: 1 }).given(Account.at("b"), deposited(2)).then({ a: 1, b: 2 })
    one
      .then({ a: 1 })
      .given(Account.at("a"), new Closed())
      .thenNothing()
      .given(Account.at("a"), deposited(4))
      .then({ a: 4 })
    one.then({ a: 1 })
  })

  it("gives events the id of their aggregate", () => {
    const Numbered = Aggregate.make("Numbered", {
      id: Schema.Int,
      state: Schema.Int,
      initial: 0,
      events: [Closed],
      evolve: { Closed: () => 0 }
    })
    const Ids = View.make("Ids", { from: [Numbered], state: Schema.Int, evolve: { Closed: (_, _event, { id }) => id } })
    Scenario.of(Ids).given(Numbered.at(7), new Closed()).given(Numbered.at(8), new Closed()).then({ 7: 7, 8: 8 })
  })

  it("that a test returns before it says then fails, and one that ends with then is no promise", async () => {
    await expect(async () => summaries.given(Account.at("a")) as unknown).rejects.toThrow(
      "the scenario ends with given and expects nothing: say then what follows"
    )
    const ended = summaries.given(Account.at("a"), deposited(1)).then({ a: new Summary({ total: 1, lastAt }) })
    expect(ended).not.toHaveProperty("then")
    expect(await Promise.resolve<object>(ended)).toBe(ended)
    expect(summaries).not.toHaveProperty("then")
  })

  it("with a wrong id, event, aggregate, record or setting does not compile", () => {
    const wrong = () => {
      // @ts-expect-error an id of an account is a text
      totals.given(Account.at(7), new Closed())
      // @ts-expect-error an account has no event Opened
      totals.given(Account.at("a"), { _tag: "Opened" })
      // @ts-expect-error an account has no event Opened
      totals.given(Account.at("a"), [{ _tag: "Opened" }])
      // @ts-expect-error the view does not follow this aggregate
      totals.given(Stranger.at("a"), new Closed())
      // @ts-expect-error a total is a number
      totals.given(Account.at("a")).then({ a: "3" })
      // @ts-expect-error a time is a text or a time
      totals.with({ recordedAt: 5 })
      // @ts-expect-error nothing has happened that records could come from
      totals.thenNothing()
    }
    expect(wrong).toBeTypeOf("function")
  })
})

describe("times and metadata", () => {
  const Tenant = Metadata.field("tenant", Schema.String)
  const Log = View.make("Log", {
    from: [Account],
    state: Schema.String,
    key: View.perEvent,
    evolve: {
      Deposited: (_, { amount }, { metadata, recordedAt, version }) => {
        const { actor = "nobody", correlationId } = metadata
        const tenant = Option.getOrElse(Result.getOrThrow(Tenant.get(metadata)), () => "none")
        return [
          amount,
          version,
          DateTime.formatIso(recordedAt).slice(0, 19),
          actor,
          tenant,
          correlationId.slice(-3)
        ].join(" ")
      }
    }
  })
  const log = Scenario.of(Log)
  const key = (position: number) => View.perEvent(undefined, { position })

  it("hold from where they are said on, and an inner one adds to an outer one", () => {
    log
      .given(Account.at("a"), deposited(1))
      .with({ recordedAt: "2026-01-05T09:00:00Z", actor: "anna", fields: [Tenant.set("acme")] })
      .given(Account.at("a"), deposited(2, 3))
      .with({ actor: "ben", correlationId: "request-17" })
      .given(Account.at("b"), deposited(4))
      .with({
        recordedAt: DateTime.makeUnsafe("2026-01-06T09:00:00Z"),
        fields: [Metadata.field("other", Schema.Int).set(1)]
      })
      .given(Account.at("b"), deposited(5))
      .then({
        [key(1)]: "1 1 1970-01-01T00:00:01 nobody none 001",
        [key(2)]: "2 2 2026-01-05T09:00:00 anna acme 002",
        [key(3)]: "3 3 2026-01-05T09:00:00 anna acme 003",
        [key(4)]: "4 1 2026-01-05T09:00:00 ben acme -17",
        [key(5)]: "5 2 2026-01-06T09:00:00 ben acme -17"
      })
  })

  it("hold after records were compared, too", () => {
    log
      .with({ actor: "anna" })
      .given(Account.at("a"), deposited(1))
      .then({ [key(1)]: "1 1 1970-01-01T00:00:01 anna none 001" })
      .given(Account.at("a"), deposited(2))
      .then({ [key(1)]: "1 1 1970-01-01T00:00:01 anna none 001", [key(2)]: "2 2 1970-01-01T00:00:02 anna none 002" })
  })

  it("that no store keeps are refused", () => {
    expect(messageOf(() => log.with({ recordedAt: "tomorrow" }))).toBe('recordedAt: "tomorrow" is not a time')
    expect(messageOf(() => log.with({ actor: "a\0" }))).toBe("metadata.actor: contains NUL")
    const later = log.with({ recordedAt: "2026-01-06T09:00:00Z" }).given(Account.at("a"), deposited(1))
    const earlier = later.with({ recordedAt: "2026-01-05T09:00:00Z" })
    earlier.given(Account.at("b"), deposited(1))
    expect(messageOf(() => earlier.given(Account.at("a"), deposited(1)).thenNothing())).toBe(
      "the events of Account-a are not in the order of their times: 2026-01-06T09:00:00.000Z, then 2026-01-05T09:00:00.000Z"
    )
  })
})

describe("a scenario of a view over a topic", () => {
  class Received extends Schema.TaggedClass<Received>()("Received", { cents: Schema.Int, at: Schema.DateTimeUtc }) {}
  class Bounced extends Schema.TaggedClass<Bounced>()("Bounced", {}) {}
  const Payments = Topic.make("Payments", { key: Schema.Int, events: [Received, Bounced] })
  const Notices = Topic.make("Notices", { key: Schema.Int, events: [Bounced] })
  const received = (cents: number) => new Received({ cents, at: lastAt })

  const Paid = View.make("Paid", {
    from: [Payments, Account],
    state: Schema.Struct({ cents: Schema.Int, by: Schema.String, orders: Schema.Array(Schema.Int) }),
    key: { Received: () => "all", Bounced: () => "all", Deposited: () => "all" },
    evolve: {
      Received: (paid, { cents }, { id, metadata: { actor } }) => ({
        cents: (paid?.cents ?? 0) + cents,
        by: actor ?? "nobody",
        orders: [...(paid?.orders ?? []), id]
      }),
      Bounced: () => undefined,
      Deposited: (paid, { amount }) => paid && { ...paid, cents: paid.cents + 100 * amount }
    }
  })

  it("is given events of a key as of an aggregate's stream, with times and metadata", () => {
    Scenario.of(Paid)
      .with({ actor: "bank", recordedAt: "2026-01-05T09:00:00Z" })
      .given(Payments.at(17), received(100), received(50))
      .given(Account.at("a"), new Deposited({ amount: 2 }))
      .given(Payments.at(18), [received(1)])
      .then({ all: { cents: 351, by: "bank", orders: [17, 17, 18] } })
      .given(Payments.at(17), new Bounced())
      .thenNothing()
  })

  const halfCent: Received = { _tag: "Received", cents: 0.5, at: lastAt }

  it("fails for other records, for an event that no store keeps, and for a topic that it does not follow", () => {
    const other = messageOf(() =>
      Scenario.of(Paid)
        .given(Payments.at(17), received(100))
        .then({ all: { cents: 1, by: "nobody", orders: [17] } })
    )
    assert.include(other, "Paid has other records")
    const wrong = messageOf(() => Scenario.of(Paid).given(Payments.at(17), halfCent).thenNothing())
    assert.include(wrong, "the given event Received of Payments")
    // @ts-expect-error it does not follow Notices
    const stranger = messageOf(() => Scenario.of(Paid).given(Notices.at(1), new Bounced()).thenNothing())
    assert.include(stranger, "Paid does not follow Notices")
    // @ts-expect-error a topic has no scenarios: nothing decides
    expect(() => Scenario.of(Payments)).toBeTypeOf("function")
  })
})
