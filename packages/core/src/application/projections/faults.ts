/** What is wrong with a view, and since when. */
import type * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import { memoized } from "../../internal/memoized.ts"
import { isUnknown, type Unapplied } from "../../ports/deadLetter.ts"
import type { Holder } from "../../ports/EventStore.ts"
import type { Reason } from "../../ports/Reason.ts"
import { type Fault, faultReasons } from "./errors.ts"

/** What of a status the faults depend on. */
interface Facts {
  readonly view: string
  readonly version: number
  readonly build: number | undefined
  readonly state: string
  readonly horizon: number
  readonly held:
    | {
        readonly heldSince?: DateTime.Utc
        readonly heldFor?: Duration.Duration
        readonly holders: ReadonlyArray<Holder>
      }
    | undefined
  readonly lag: number
  readonly lagAtMost: number
  readonly lagTime: Duration.Duration
  readonly parts: ReadonlyArray<{
    readonly position: number
    readonly owner: unknown
    readonly unownedFor: Duration.Duration | undefined
    readonly failure: Unapplied | undefined
  }>
  readonly failure: Unapplied | undefined
  readonly refusal: Reason | undefined
  readonly ended: string | undefined
  readonly rekeyed: number | undefined
  readonly waits: { readonly [Kind in "overdue" | "parked" | "unsent"]: Duration.Duration }
  readonly parked: number
  readonly skipped: number
}

/** The faults of a view at this moment, the gravest first. */
export const faultsOf = (facts: Facts): ReadonlyArray<Fault> => {
  const { ended, failure, held, parked, refusal, rekeyed, skipped, state, waits } = facts
  if (state === "replaced") return []
  const fault = faultIn(facts)
  const isOfAnother = state === "another definition"
  const cannotGoOn = refusal !== undefined || failure !== undefined || isOfAnother
  const unowned = refusal !== undefined || isOfAnother ? undefined : unownedOf(facts)
  const why = ended === undefined ? {} : { ended }
  const isHeld =
    held !== undefined &&
    state !== "inline" &&
    !cannotGoOn &&
    // Under load some append is always under way.
    (held.heldFor === undefined || Duration.toSeconds(held.heldFor) > 5)
  return [
    ...(refusal === undefined ? [] : [fault({ reason: "refused", refusal })]),
    ...(isOfAnother ? [fault({ reason: "another definition" })] : []),
    ...(rekeyed === undefined ? [] : [fault({ reason: "other keys", former: rekeyed })]),
    ...(failure === undefined ? [] : [fault({ reason: isUnknown(failure) ? "unknown event" : "failed", failure })]),
    ...(unowned === undefined ? [] : [fault({ reason: "unowned", unowned, ...why })]),
    ...(isHeld ? [fault({ reason: "held", holders: held.holders, ...sinceOf(held) })] : []),
    ...waiting.flatMap((reason) =>
      Duration.isPositive(waits[reason]) ? [fault({ reason, waited: waits[reason] })] : []
    ),
    ...(parked === 0 ? [] : [fault({ reason: "parked", parked, waited: waits.parked })]),
    ...(skipped === 0 ? [] : [fault({ reason: "skipped", skipped })])
  ]
}

/** When a view is healthy. */
export interface Limits {
  readonly grace: Duration.Duration
  readonly maxLagTime: Duration.Duration
  readonly maxParked: number
  readonly maxSkipped: number
}

/**
 * The faults of a view that have lasted too long, or are more than is allowed. `lasted`
 * says for how long something has been so without a break. What does not pass by itself
 * is reported at once.
 */
export const lastingFaults = (
  facts: Facts & { readonly faults: ReadonlyArray<Fault> },
  { grace, maxLagTime, maxParked, maxSkipped }: Limits,
  lasted: (what: string, atLeast?: Duration.Duration) => Duration.Duration
): ReadonlyArray<Fault> => {
  const { build, faults, held, horizon, lagTime, parts, state } = facts
  const fault = faultIn(facts)
  const isLate = state !== "building" && Duration.isGreaterThan(lagTime, maxLagTime)
  const isLong = (time: Duration.Duration) => Duration.isGreaterThanOrEqualTo(time, grace)
  const cannotGoOn = faults.some(({ reason }) => final.includes(reason))
  const lasting = faults.flatMap((each): ReadonlyArray<Fault> => {
    switch (each.reason) {
      case "unowned": {
        const { of, parts: unowned } = each.unowned!
        const times = unowned.map((index) => [index, lasted(`unowned ${index}`, parts[index]?.unownedFor)] as const)
        // A projection that has ended by itself does not come back.
        const long = times.filter(([, time]) => isLong(time) || each.ended !== undefined)
        if (long.length === 0) return []
        const time = long.map(([, time]) => time).reduce((a, b) => Duration.max(a, b))
        return [{ ...each, unowned: { parts: long.map(([index]) => index), of }, lasted: time }]
      }
      case "held": {
        const time = lasted(`held at ${horizon}`, held?.heldFor)
        return isLong(time) && !isLate ? [{ ...each, lasted: time }] : []
      }
      case "unknown event": {
        const time = lasted(`unknown event at ${each.failure!.position}`)
        return isLong(time) ? [{ ...each, lasted: time }] : []
      }
      case "other keys": {
        const time = lasted(`other keys than ${each.former}`)
        return isLong(time) ? [{ ...each, lasted: time }] : []
      }
      case "overdue":
      case "unsent":
        return Duration.isGreaterThan(each.waited!, maxLagTime) ? [each] : []
      case "parked":
        return each.parked! > maxParked ? [each] : []
      case "skipped":
        return each.skipped! > maxSkipped ? [each] : []
      default:
        return [each]
    }
  })
  const holders = faults.find(({ reason }) => reason === "held")?.holders
  const late = isLate && !cannotGoOn ? [fault({ reason: "late", ...(holders && { holders }) })] : []
  const place = `build ${build} at ${parts.map(({ position }) => position).join()}`
  const built = state === "building" ? lasted(place) : Duration.zero
  const stalled =
    state === "building" && isLong(built)
      ? [fault({ reason: "stalled", position: Math.min(...parts.map(({ position }) => position)), lasted: built })]
      : []
  return [...lasting, ...stalled, ...late].toSorted((a, b) => orderOf(a) - orderOf(b))
}

// Something waits for a moment all the time. It is a lasting fault only after `maxLagTime`.
const waiting = ["overdue", "unsent"] as const

// Nobody can work on the view until somebody has done something about it.
const final: ReadonlyArray<Fault["reason"]> = ["refused", "another definition", "failed"]

const orderOf = ({ reason }: Fault): number => faultReasons.indexOf(reason)

const faultIn =
  ({ lag, lagAtMost, lagTime, version, view }: Facts) =>
  (fault: Omit<Fault, "view" | "version" | "lag" | "lagAtMost" | "lagTime">): Fault => ({
    view,
    version,
    lag,
    ...(lagAtMost === lag ? {} : { lagAtMost }),
    lagTime,
    ...fault
  })

const sinceOf = ({ heldSince }: { readonly heldSince?: DateTime.Utc }) => (heldSince === undefined ? {} : { heldSince })

// Nobody owns a part that an event stopped, and nobody has to own what appends maintain.
const unownedOf = ({ parts, state }: Facts): Fault["unowned"] => {
  if (state === "inline") return undefined
  if (parts.length === 0) return { parts: [0], of: 1 }
  const unowned = [...parts.keys()].filter((i) => parts[i]!.owner === undefined && parts[i]!.failure === undefined)
  return unowned.length === 0 ? undefined : { parts: unowned, of: parts.length }
}

/** What was seen of the views of one store. The times are in milliseconds, by a clock that nobody sets. */
export interface Sight {
  /** Begins a look at a view, at a time. `lasted` is then asked about everything that is so now. */
  readonly look: (
    view: Pick<Facts, "view" | "version">,
    now: number
  ) => {
    readonly lasted: (what: string, atLeast?: Duration.Duration) => Duration.Duration
    /** Ends the look: what was not asked about has passed. */
    readonly end: () => void
  }
}

/**
 * What all health checks of a process have seen in one store. A fault that passes between
 * two checks begins anew, so one that comes and goes is not reported. Where the store says
 * how long something has lasted, this counts from the first check on.
 */
export const sightOf = (store: object): Sight =>
  memoized(sights, store, () => {
    const views = new Map<string, ReadonlyMap<string, number>>()
    return {
      look: ({ version, view }, now) => {
        const name = `${view} ${version}`
        const before = views.get(name)
        const since = new Map<string, number>()
        return {
          lasted: (what, atLeast = Duration.zero) => {
            const first = before?.get(what) ?? now
            since.set(what, first)
            return Duration.max(Duration.millis(now - first), atLeast)
          },
          end: () => {
            if (since.size === 0) views.delete(name)
            else views.set(name, since)
          }
        }
      }
    }
  })

const sights = new WeakMap<object, unknown>()
