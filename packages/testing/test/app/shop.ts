import { Aggregate, Decision, Executor, Process, Reactor, Schedules, View } from "@hexfold/core"
import { Context, Effect, Schema } from "effect"

const PlaceCommand = Schema.TaggedStruct("Place", {})
const PayCommand = Schema.TaggedStruct("Pay", {})
const CancelCommand = Schema.TaggedStruct("Cancel", { why: Schema.String })
const RemindCommand = Schema.TaggedStruct("Remind", {})

export const place = PlaceCommand.make({})
export const pay = PayCommand.make({})
const remind = RemindCommand.make({})
export const cancel = (why: string) => CancelCommand.make({ why })

export const Order = Aggregate.make("Order", {
  id: Schema.String,
  state: Schema.String,
  initial: "new",
  commands: [PlaceCommand, PayCommand, CancelCommand, RemindCommand],
  events: [
    Schema.TaggedStruct("Placed", {}),
    Schema.TaggedStruct("Paid", {}),
    Schema.TaggedStruct("Cancelled", { why: Schema.String }),
    Schema.TaggedStruct("Reminded", {})
  ],
  decide: {
    Place: () => Decision.accept({ _tag: "Placed" }),
    Pay: (_, state) => (state === "placed" ? Decision.accept({ _tag: "Paid" }) : Decision.nothing),
    Cancel: ({ why }, state) => (state === "placed" ? Decision.accept({ _tag: "Cancelled", why }) : Decision.nothing),
    Remind: (_, state) => (state === "placed" ? Decision.accept({ _tag: "Reminded" }) : Decision.nothing)
  },
  evolve: {
    Placed: () => "placed",
    Paid: () => "paid",
    Cancelled: (_, { why }) => `cancelled: ${why}`,
    Reminded: (state) => state
  }
})

/** Reminds after a day, and again each day; cancels after three and a half. */
export const Unpaid = Process.make("Unpaid", {
  from: [Order],
  to: [Order],
  timeouts: ["remind", "cancel"],
  start: "beginning",
  state: Schema.Struct({ reminders: Schema.Int }),
  initial: { reminders: 0 },
  on: {
    Placed: {
      key: (_, { id }) => id,
      react: (state) =>
        Process.next(
          state,
          Process.timeout("remind", { after: "1 day" }),
          Process.timeout("cancel", { after: "84 hours" })
        )
    },
    Paid: { key: (_, { id }) => id, react: (state) => Process.end(state) }
  },
  onTimeout: {
    remind: ({ reminders }, key) =>
      Process.next(
        { reminders: reminders + 1 },
        Process.send(Order, key, remind),
        Process.timeout("remind", { after: "1 day" })
      ),
    cancel: (state, key) => Process.end(state, Process.send(Order, key, cancel("not paid")))
  }
})

export class Mails extends Context.Service<Mails, { readonly send: (about: string) => Effect.Effect<void, string> }>()(
  "Mails"
) {}

export const SendMail = Reactor.make("SendMail", {
  from: [Order],
  start: "beginning",
  on: {
    Placed: (_, { id }) => Mails.use(({ send }) => send(`${id} is placed`)),
    Cancelled: (_, { id }) => Mails.use(({ send }) => send(`${id} is cancelled`))
  }
})

/** Places the next order when one is placed: up to the tenth. */
export const Chain = Reactor.make("Chain", {
  from: [Order],
  start: "beginning",
  on: {
    Placed: (_, { id }) => (Number(id) < 10 ? Executor.execute(Order, String(Number(id) + 1), place) : Effect.void)
  }
})

export const Orders = View.make("Orders", {
  from: [Order],
  state: Schema.String,
  evolve: {
    Placed: () => "placed",
    Paid: () => "paid",
    Cancelled: () => "cancelled"
  }
})

export const daily = Schedules.cron("daily", "0 3 * * *", { missed: "all" }, () => Process.send(Order, "daily", place))
