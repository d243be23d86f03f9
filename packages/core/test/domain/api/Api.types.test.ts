import { describe, expect, expectTypeOf, it } from "@effect/vitest"
import { Api, Policy } from "@hexfold/core"
import { Account, Accounts, type Deposit, Owners, Transfer, account } from "./bank.ts"

// What is expected here is checked by the compiler. A mistake that it would miss is found when the API is made.

describe("the rules of an API", () => {
  it("know the caller, the id, the command, and the state that is decided on", () => {
    const rules: Policy.OfAggregate<typeof Account> = {
      Open: {
        when: (caller, { command, id }) => {
          expectTypeOf(caller).toEqualTypeOf<Policy.Caller>()
          expectTypeOf(id).toEqualTypeOf<string>()
          expectTypeOf(command._tag).toEqualTypeOf<"Open">()
          return true
        }
      },
      Deposit: {
        whenState: (_, { command, id }, state) => {
          expectTypeOf(id).toEqualTypeOf<string>()
          expectTypeOf(command).toEqualTypeOf<Deposit>()
          expectTypeOf(state.owner).toEqualTypeOf<string | null>()
          return true
        }
      },
      state: { when: (caller, { id, state }) => state.owner === caller.subject || id === "public" },
      events: { when: (caller, { event }) => event.owner === caller.subject }
    }
    expect(Object.keys(rules)).toEqual(["Open", "Deposit", "state", "events"])
  })

  it("know the states of the roles, the fields of a view, and its filters, where the API is declared", () => {
    const api = Api.make("bank", {
      aggregates: [Account],
      boundaries: [Transfer],
      views: [Accounts, Owners],
      links: [Api.link(Accounts, "owner", Owners)],
      limits: { Accounts: { fields: ["owner"], maxLimit: 10 } },
      policies: {
        Account: { ...account, events: Policy.role("auditor") },
        Transfer: {
          whenState: (caller, { command }, { from, to }) => {
            expectTypeOf(to.owner).toEqualTypeOf<string | null>()
            return from.owner === caller.subject && command.to !== command.from
          }
        },
        Accounts: {
          read: "anyone",
          rows: (caller, { eq }) => eq("owner", caller.subject),
          publicRows: ({ eq }) => eq("bank.name", "public"),
          fields: { "bank.name": Policy.role("auditor"), owner: { when: (caller) => caller.subject !== "" } }
        },
        Owners: { read: { when: (caller) => caller.claims["tenant"] === 1 } }
      }
    })
    expectTypeOf(api.name).toEqualTypeOf<"bank">()
    expectTypeOf(api.views).toEqualTypeOf<readonly [typeof Accounts, typeof Owners]>()
    const any: Api.Any = api
    expect(any.links.map(({ as }) => as)).toEqual(["ownerRecord"])
  })

  it("must be said, for each command, boundary and view, and for no other", () => {
    const views = [Accounts] as const
    // @ts-expect-error nothing is said about access
    expect(() => Api.make("bank", { views })).toThrow('neither rules nor "open"')
    // @ts-expect-error the view has no rule
    expect(() => Api.make("bank", { views, policies: {} })).toThrow("there is no rule for Accounts")
    // @ts-expect-error the boundary has no rule
    expect(() => Api.make("bank", { boundaries: [Transfer], policies: {} })).toThrow("Transfer: there is no rule")
    // @ts-expect-error the command Deposit has no rule
    expect(() => Api.make("bank", { aggregates: [Account], policies: { Account: { Open: "anyone" } } })).toThrow(
      "Account, Deposit: there is no rule"
    )
    const surplus = { ...account, Close: "anyone" } as const
    expect(() => Api.make("bank", { aggregates: [Account], policies: { Account: surplus } })).toThrow(
      "Account has no command Close, but a rule for it"
    )
    expect(() =>
      // @ts-expect-error there is no command with the tag Close
      Api.make("bank", { aggregates: [Account], policies: { Account: { ...account, Close: "anyone" } } })
    ).toThrow("no command Close")
    const clerk = { Deposit: "anyone", Open: "clerk" } as const
    // @ts-expect-error a text is no role
    expect(() => Api.make("bank", { aggregates: [Account], policies: { Account: clerk } })).toThrow(
      'Account, Open: the rule "clerk" is none of those that there are: those who have a role are Policy.role("clerk")'
    )
    const read = { read: "clerk" } as const
    // @ts-expect-error a text is no role
    expect(() => Api.make("bank", { views, policies: { Accounts: read } })).toThrow('Policy.role("clerk")')
    const all = "signed in" as const
    // @ts-expect-error a view has rules of several kinds
    expect(() => Api.make("bank", { views, policies: { Accounts: all } })).toThrow("there is no rule for Accounts")
    const known = { read: all }
    // @ts-expect-error nothing is called Others
    expect(() => Api.make("bank", { views, policies: { Accounts: known, Others: known } })).toThrow(
      "there are rules for Others, which is not declared"
    )
  })

  it("name fields that a view has", () => {
    const views = [Accounts] as const
    const read = "signed in" as const
    Api.make("bank", {
      views,
      // @ts-expect-error there is no field ownr
      policies: { Accounts: { read, rows: (caller, { eq }) => eq("ownr", caller.subject) } }
    })
    const fields = { "bank.nam": read }
    // @ts-expect-error there is no field bank.nam
    expect(() => Api.make("bank", { views, policies: { Accounts: { read, fields } } })).toThrow("no field bank.nam")
    // @ts-expect-error a link leads from a field with a key
    expect(Api.link(Accounts, "bank", Accounts).as).toBe("bankRecord")
    // @ts-expect-error limits name fields of the view, too
    Api.make("bank", { views, limits: { Accounts: { fields: ["ownr"] } }, policies: "open" })
    // @ts-expect-error the view of a link must be shown
    expect(() => Api.make("bank", { views, links: [Api.link(Accounts, "owner", Owners)], policies: "open" })).toThrow(
      "the view Owners is not declared"
    )
  })
})
