import { describe, expect, it } from "@effect/vitest"
import { Aggregate, Api, Decision, Policy } from "@hexfold/core"
import { Schema } from "effect"
import { Account, Accounts, Owners, Transfer, account } from "./bank.ts"

const ann = Policy.caller("ann", { roles: ["clerk"] })

// As a program that no compiler has seen.
const unchecked = Api.make as unknown as (name: string, declared: object) => Api.Any

describe("a rule", () => {
  it("answers whether a caller may, must be known first, or may not", () => {
    const when = { when: (caller: Policy.Caller, asked: number) => caller.subject === "ann" && asked === 1 }
    const cases: ReadonlyArray<readonly [Policy.AnyRule, Policy.Answer, Policy.Answer]> = [
      ["anyone", "permitted", "permitted"],
      ["signed in", "unauthenticated", "permitted"],
      [Policy.role("clerk", "boss"), "unauthenticated", "permitted"],
      [Policy.role("boss"), "unauthenticated", "forbidden"],
      [when, "unauthenticated", "permitted"],
      [{ whenState: () => true }, "unauthenticated", "by state"]
    ]
    for (const [rule, unknown, known] of cases) {
      expect(Policy.answer(rule, undefined, 1)).toBe(unknown)
      expect(Policy.answer(rule, ann, 1)).toBe(known)
    }
    expect(Policy.answer(when, ann, 2)).toBe("forbidden")
  })

  it("on a state is asked with the state", () => {
    const rule = {
      whenState: (caller: Policy.Caller, asked: number, state: string) => state === caller.subject && asked === 1
    }
    expect(Policy.answerOnState(rule, ann, 1, "ann")).toBe("permitted")
    expect(Policy.answerOnState(rule, ann, 1, "bob")).toBe("forbidden")
    expect(Policy.answerOnState(rule, ann, 2, "ann")).toBe("forbidden")
  })

  it("holds for nothing but true: a promise forbids", () => {
    const promising = { when: (async () => true) as unknown as () => boolean }
    expect(Policy.answer(promising, ann)).toBe("forbidden")
    const onState = { whenState: (() => 1) as unknown as () => boolean }
    expect(Policy.answerOnState(onState, ann, {}, {})).toBe("forbidden")
  })
})

describe("an API", () => {
  it("has the rules by name", () => {
    const { rules } = Api.make("bank", {
      aggregates: [Account],
      boundaries: [Transfer],
      views: [Accounts],
      policies: {
        Account: { ...account, state: "signed in" },
        Transfer: Policy.role("clerk"),
        Accounts: { read: "signed in" }
      }
    })
    expect(rules.commands.get("Account")?.get("Open")).toBe("signed in")
    expect([...rules.commands.get("Account")!.keys()]).toEqual(["Open", "Deposit"])
    expect(rules.boundaries.get("Transfer")).toEqual({ roles: ["clerk"] })
    expect(rules.states.get("Account")).toBe("signed in")
    expect(rules.events.get("Account")).toBeUndefined()
    expect(rules.views.get("Accounts")?.read).toBe("signed in")
  })

  it("that is open lets everybody do everything", () => {
    const { rules } = Api.make("bank", {
      aggregates: [Account],
      boundaries: [Transfer],
      views: [Accounts],
      policies: "open"
    })
    expect([...rules.commands.get("Account")!.values()]).toEqual(["anyone", "anyone"])
    expect([rules.boundaries.get("Transfer"), rules.states.get("Account"), rules.events.get("Account")]).toEqual(
      Array(3).fill("anyone")
    )
    expect(rules.views.get("Accounts")).toEqual({ read: "anyone" })
  })

  it("refuses what is no rule, and names all that is wrong", () => {
    const right = { Open: "anyone", Deposit: "anyone" }
    const of = (rules: object) => () => unchecked("bank", { aggregates: [Account], policies: { Account: rules } })
    expect(of(right)).not.toThrow()
    const wrong: ReadonlyArray<readonly [unknown, string]> = [
      [undefined, "there is no rule"],
      [true, "none of those"],
      ["anybody", "none of those"],
      [{}, "none of those"],
      [{ roles: [] }, "no list of names, or an empty one"],
      [{ roles: "clerk" }, "no list of names"],
      [{ when: true }, "when is no function"],
      [{ roles: ["clerk"], when: () => true }, "none of those"],
      [{ whenever: () => true }, "a rule of the kind whenever cannot be given here"]
    ]
    for (const [rule, message] of wrong) expect(of({ ...right, Open: rule })).toThrow(message)
    expect(of({ ...right, state: { whenState: () => true } })).toThrow("of the kind whenState cannot be given here")
    expect(of({})).toThrow("Account, Open: there is no rule; Account, Deposit: there is no rule")
  })

  it("refuses rules of a view that it does not know", () => {
    const of = (rules: object) => () => unchecked("bank", { views: [Accounts], policies: { Accounts: rules } })
    expect(of({ read: "anyone" })).not.toThrow()
    expect(of({ rows: () => true })).toThrow("Accounts, read: there is no rule")
    expect(of({ read: "anyone", columns: {} })).toThrow("a view has no rule columns")
    expect(of({ read: "anyone", rows: {} })).toThrow("Accounts, rows: it is no function")
    expect(of({ read: "signed in", publicRows: () => true })).toThrow("only a view that anyone may read has them")
    expect(of({ read: "anyone", fields: { owner: 1 } })).toThrow("Accounts, the field owner: the rule is none of those")
    expect(of({ read: { whenState: () => true } })).toThrow("whenState cannot be given here")
  })

  it("refuses two members with one name, and a command whose tag names another rule", () => {
    expect(() => unchecked("bank", { views: [Accounts, Accounts], policies: "open" })).toThrow(
      "Accounts is declared twice"
    )
    expect(() => unchecked(" ", { policies: "open" })).toThrow("an API needs a name")
    const Odd = Aggregate.make("Odd", {
      id: Schema.String,
      state: Schema.Int,
      initial: 0,
      commands: [Schema.TaggedStruct("state", {})],
      events: [],
      decide: { state: () => Decision.nothing },
      evolve: {}
    })
    expect(() => unchecked("odd", { aggregates: [Odd], policies: "open" })).toThrow(
      "Odd has a command with the tag state, which is the name of another rule"
    )
  })

  it("refuses links that have no name of their own", () => {
    const of =
      (...links: ReadonlyArray<object>) =>
      () =>
        unchecked("bank", { views: [Accounts, Owners], links, policies: "open" })
    const link = Api.link(Accounts, "owner", Owners)
    expect(of(link)).not.toThrow()
    expect(of(link, link)).toThrow("Accounts has two links ownerRecord")
    expect(of({ ...link, as: "bank" })).toThrow("Accounts has both a field and a link bank")
    expect(of({ ...link, path: "ownr" })).toThrow("no field ownr")
  })
})
