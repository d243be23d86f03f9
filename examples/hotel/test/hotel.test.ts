import { Process } from "@hexfold/core"
import { ProcessScenario, Scenario } from "@hexfold/testing"
import { describe, it } from "vitest"
import { CheckOutTogether, NotAllReady } from "../src/CheckOutTogether.ts"
import {
  AlreadyBegun,
  BeginCheckOut,
  CompleteCheckOut,
  GiveUpCheckOut,
  Group,
  GroupCheckedOut,
  GroupCheckOutBegun
} from "../src/Group.ts"
import { GroupCheckOut } from "../src/GroupCheckOut.ts"
import {
  CheckOut,
  GuestCharged,
  GuestCheckedIn,
  GuestCheckedOut,
  GuestPaid,
  NotThere,
  Pay,
  Stay,
  Unsettled
} from "../src/Stay.ts"

const group = "painters"
const guests = ["anna", "ben"]

describe("a stay", () => {
  const charged = Scenario.of(Stay).given(new GuestCheckedIn({ group }), new GuestCharged({ cents: 800 }))

  it("ends when everything is paid, once", () => {
    charged
      .when(new CheckOut())
      .thenRejected(new Unsettled({ balance: 800 }))
      .when(new Pay({ cents: 800 }))
      .then(new GuestPaid({ group, cents: 800, balance: 0 }))
      .when(new CheckOut())
      .then(new GuestCheckedOut({ group }))
      .when(new CheckOut())
      .thenRejected(new NotThere())
  })
})

describe("a group that checks out guest by guest", () => {
  const begun = new GroupCheckOutBegun({ guests })
  const checkOut = (guest: string) => Process.send(Stay, guest, new CheckOut())
  const leaving = ProcessScenario.of(GroupCheckOut).given(Group.at(group), begun)
  const out = new GuestCheckedOut({ group })
  const completes = { commands: [Process.send(Group, group, new CompleteCheckOut())], ends: true }

  it("asks all guests at once, and waits for two hours", () => {
    ProcessScenario.of(GroupCheckOut)
      .when(Group.at(group), begun)
      .then({ commands: guests.map(checkOut), timeouts: { over: "2 hours" } })
  })

  it("is complete with the last guest, in whatever order they go", () => {
    const inOrder = (first: string, last: string) =>
      leaving
        .when(Stay.at(first), out)
        .then({ state: { open: [last], unsettled: [], absent: [] } })
        .when(Stay.at(last), out)
        .then(completes)
    inOrder("anna", "ben")
    inOrder("ben", "anna")
  })

  it("waits for a guest who has not paid, and lets him go when he has", () => {
    leaving
      .whenRejected(Stay, new Unsettled({ balance: 800 }))
      .then({ state: { open: guests, unsettled: ["ben"], absent: [] } })
      .when(Stay.at("ben"), new GuestPaid({ group, cents: 500, balance: 300 }))
      .thenIgnored()
      .when(Stay.at("ben"), new GuestPaid({ group, cents: 300, balance: 0 }))
      .then({ commands: [checkOut("ben")], state: { open: guests, unsettled: [], absent: [] } })
      .when(Stay.at("ben"), out)
      .then({ state: { open: ["anna"], unsettled: [], absent: [] } })
  })

  it("gives up when the time is over, and says who is left", () => {
    leaving
      .whenRejected(Stay, new Unsettled({ balance: 800 }))
      .then({ state: { open: guests, unsettled: ["ben"], absent: [] } })
      .given(Stay.at("anna"), out)
      .whenTimeout("over")
      .then({
        commands: [Process.send(Group, group, new GiveUpCheckOut({ absent: [], unsettled: ["ben"] }))],
        ends: true
      })
      .when(Stay.at("ben"), new GuestPaid({ group, cents: 800, balance: 0 }))
      .thenIgnored()
  })

  it("is complete at the end of the time if the last guests are out, and only the events are on their way", () => {
    leaving.given(Stay.at("anna"), out).whenTimeout("over").then(completes)
  })

  it("does not wait for a guest who is not there", () => {
    leaving
      .whenRejected(Stay, new NotThere())
      .then({ state: { open: ["anna"], unsettled: [], absent: ["ben"] } })
      .when(Stay.at("anna"), out)
      .then({
        commands: [Process.send(Group, group, new GiveUpCheckOut({ absent: ["ben"], unsettled: [] }))],
        ends: true
      })
  })

  it("is complete at once without guests, and does not mind who leaves alone before", () => {
    ProcessScenario.of(GroupCheckOut)
      .when(Group.at(group), new GroupCheckOutBegun({ guests: [] }))
      .then(completes)
    ProcessScenario.of(GroupCheckOut).when(Stay.at("anna"), out).thenIgnored()
  })

  it("begins once", () => {
    Scenario.of(Group)
      .when(new BeginCheckOut({ guests: ["anna", "ben", "anna"] }))
      .then(begun)
      .when(new BeginCheckOut({ guests }))
      .thenRejected(new AlreadyBegun())
  })
})

describe("a group that checks out in one step", () => {
  const command = { _tag: "CheckOutTogether", group, guests } as const
  const anna = Scenario.of(CheckOutTogether).given(Stay.at("anna"), new GuestCheckedIn({ group }))

  it("goes when everybody is ready", () => {
    anna
      .given(Stay.at("ben"), new GuestCheckedIn({ group }))
      .when(command)
      .then({
        group: [new GroupCheckOutBegun({ guests }), new GroupCheckedOut()],
        guests: [[new GuestCheckedOut({ group })], [new GuestCheckedOut({ group })]]
      })
      .when(command)
      .thenRejected(new AlreadyBegun())
  })

  it("stays as a whole because of one guest, and names them all", () => {
    anna.when(command).thenRejected(new NotAllReady({ absent: ["ben"], unsettled: [] }))
    anna
      .given(Stay.at("ben"), new GuestCheckedIn({ group }), new GuestCharged({ cents: 800 }))
      .when({ ...command, guests: [...guests, "carla"] })
      .thenRejected(new NotAllReady({ absent: ["carla"], unsettled: ["ben"] }))
  })
})
