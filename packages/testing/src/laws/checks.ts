/** Whose histories a law is checked on, and how they are shown. */
import type { Process, View } from "@hexfold/core"
import type { Distribution } from "../histories/Histories.ts"
import { actorsOf, aloneOf, type Member, causeOf, targetOf } from "../histories/members.ts"
import { isBoundary, type Run } from "../histories/world.ts"
import type { Broken } from "./broken.ts"
import { check, type Options } from "./checking.ts"
import { scenarioOf, viewScenarioOf } from "./scenarioText.ts"

type Law = (run: Run) => Broken | undefined

export const isProcess = (target: Member | View.Any | Process.Any): target is Process.Any => "targets" in target

export const isView = (target: Member | View.Any): target is View.Any => "keysOf" in target

/** Checks a law of an aggregate or boundary. One stream tells all about an aggregate that nobody else writes to. */
export const checkMember = (member: Member, law: Law, options: Options): Distribution => {
  const target = targetOf(member)
  const { name } = target
  const isAlone = !isBoundary(target) && options.with === undefined
  const actors = isAlone ? aloneOf(member) : actorsOf(options.with ?? [], member)
  const ownEvents = ({ commands, events }: Distribution) =>
    isBoundary(target)
      ? (commands[name]?.accepted ?? 0)
      : [...target.schemas.events.keys()].reduce((sum, tag) => sum + (events[`${name}.${tag}`] ?? 0), 0)
  return check(
    {
      of: name,
      actors,
      law,
      scenario: scenarioOf,
      vacuous: (distribution) =>
        ownEvents(distribution) > 0
          ? undefined
          : isBoundary(target) || target.schemas.commands.size > 0
            ? `No command of ${name} caused an event in any history, so nothing was shown. Give its commands generators with Arbitraries.of.`
            : `${name} has no commands. Give the boundaries that write to it: { with: [...] }.`
    },
    options
  )
}

/** Checks a law of a view, on histories of its sources and of what else is given. */
export const checkView = (view: View.Any, law: Law, options: Options): Distribution =>
  check(
    {
      of: view.name,
      actors: actorsOf([...(options.with ?? []), ...view.sources.map(causeOf)]),
      law,
      scenario: (run) => viewScenarioOf(view.name, run),
      vacuous: ({ events }) =>
        view.sources.some(({ name }) => view.types.some((type) => (events[`${name}.${type}`] ?? 0) > 0))
          ? undefined
          : `No history has an event that ${view.name} handles, so nothing was shown. Give what causes them: { with: [...] }.`
    },
    options
  )
