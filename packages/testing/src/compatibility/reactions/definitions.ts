/** How reactors and processes are declared: what a change of it means for those that run. */
import { type Process, type Reactor, View } from "@hexfold/core"
import { DateTime, type Schema } from "effect"
import type { Problem } from "../problem.ts"

/** A reactor or a process. */
export type Reacting = Reactor.Any | Process.Any

/** The kind of a reactor or a process, and its name alone. */
export const kindOf = ({ name }: Pick<Reacting, "name">): { readonly kind: string; readonly own: string } => {
  const at = name.indexOf("/")
  return { kind: name.slice(0, at), own: name.slice(at + 1) }
}

/** What is known of a definition. */
export interface Definition {
  readonly fingerprint: string
  readonly handles: ReadonlyArray<string>
  readonly start: Schema.Json
}

export const definitionOf = (reacting: Reacting): Definition => {
  const { fingerprint, follows, sources, start } = reacting
  const own = "log" in reacting ? [timers, reacting.log.name] : [timers]
  const handles = sources
    .filter(({ name }) => !own.includes(name))
    .flatMap(({ name, schemas }) =>
      [...schemas.events.keys()]
        .filter((tag) => follows.except[name]?.includes(tag) !== true)
        .map((tag) => `${name}/${tag}`)
    )
    .sort()
  const begins: Schema.Json =
    typeof start === "object" && "since" in start ? { since: DateTime.formatIso(start.since) } : start
  return { fingerprint, handles, start: begins }
}

// The timers of a process are told by its timeouts. Of its own stream it takes the orders of operators.
const timers = "Hexfold_Timer"

/** The changes of a definition under the same version. */
export const compareDefinition = (reacting: Reacting, before: Definition): ReadonlyArray<Problem> => {
  const now = definitionOf(reacting)
  const { version } = reacting
  const { kind } = kindOf(reacting)
  const where = `${reacting.name}, version ${version}`
  const raise = `Raise the ${kind}'s \`version\` to ${version + 1}: under one version another definition does not work.`
  const changes = View.differences(before.fingerprint, now.fingerprint).map((part): Problem => {
    const gone = before.handles.filter((each) => !now.handles.includes(each))
    const added = now.handles.filter((each) => !before.handles.includes(each))
    const which = [
      ...(gone.length === 0 ? [] : [`not ${gone.join(", ")} any more`]),
      ...(added.length === 0 ? [] : [`${added.join(", ")} now`])
    ]
    const isHandled = part === "the events that it handles"
    return {
      where,
      what: `${part} have changed${isHandled && which.length > 0 ? `: ${which.join(", ")}` : ""}`,
      remedy: raise
    }
  })
  const [former, present] = [JSON.stringify(before.start), JSON.stringify(now.start)]
  if (former === present) return changes
  return [
    ...changes,
    {
      where,
      what: `it started at ${former} and starts at ${present} now`,
      remedy: `A start counts only when the ${kind} is run for the first time. Put it back. To begin anew, give it another name.`
    }
  ]
}

/** A name that a definition had and has not any more, in any of its versions. */
export const missing = (
  versions: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
  field: string,
  now: ReadonlyArray<string>
): ReadonlyArray<string> => {
  const before = Object.values(versions).flatMap((each) => each[field] as ReadonlyArray<string>)
  return [...new Set(before)].filter((each) => !now.includes(each))
}
