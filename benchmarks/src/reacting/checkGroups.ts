/** Holds groups and guests to what the script says. */
import { isDeepStrictEqual } from "node:util"
import type { Report } from "../rounds/report.ts"
import type { Index, Remains } from "./facts.ts"
import type { Party } from "./script.ts"

const checkGroup = ({ guests, id }: Party, { events, of, timeoutOf }: Index, report: Report): boolean => {
  const over = timeoutOf("process/GroupCheckOut", id, "over") ?? Infinity
  const paidAt = (guest: string) => events(`Stay-${guest}`, "GuestPaid")[0]?.position ?? Infinity
  const has = (standing: string) => guests.filter((guest) => guest.standing === standing)
  const absent = has("absent").map((guest) => guest.id)
  const late = has("pays later").filter((guest) => paidAt(guest.id) > over)
  const unsettled = [...has("never pays"), ...late].map((guest) => guest.id)
  const isComplete = absent.length + unsettled.length === 0

  const begun = events(`Group-${id}`, "GroupCheckOutBegun")
  if (begun.length !== 1) report(`count: ${id} has begun ${begun.length} times`)
  const ends = of(`Group-${id}`).filter(({ type }) => type !== "GroupCheckOutBegun")
  if (ends.length !== 1) report(`count: ${id} has ${ends.length} ends`)
  const [end] = ends
  const right = isComplete ? "GroupCheckedOut" : "GroupCheckOutIncomplete"
  const sorted = (field: string) => ((end?.data[field] as ReadonlyArray<string> | undefined) ?? []).toSorted()
  if (
    end?.type !== right ||
    !isDeepStrictEqual(sorted("absent"), absent.toSorted()) ||
    !isDeepStrictEqual(sorted("unsettled"), unsettled.toSorted())
  ) {
    const wanted = JSON.stringify({ absent, unsettled })
    report(`group: ${id} is ${end?.type} ${JSON.stringify(end?.data)}, and should be ${right} ${wanted}`)
  }
  // A group that somebody keeps here waits to the end of its time.
  if (has("never pays").length > 0 && over === Infinity) report(`group: ${id} has not waited`)
  for (const guest of guests) {
    const left = events(`Stay-${guest.id}`, "GuestCheckedOut").length
    const isLeft = guest.standing !== "absent" && !unsettled.includes(guest.id)
    if (left !== (isLeft ? 1 : 0)) report(`count: ${guest.id}, who ${guest.standing}, has checked out ${left} times`)
  }
  return isComplete
}

/** Checks all groups. */
export const checkGroups = ({ script }: Remains, index: Index, report: Report) => {
  const complete = script.groups.map((group) => checkGroup(group, index, report))
  return { groups: complete.length, complete: complete.filter((is) => is).length }
}
