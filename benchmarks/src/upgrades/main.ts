// Rounds of upgrades: an event of an application is renamed, another one gets a new version, and the state a new revision, in
// the two deployments that the page on events that change prescribes, or all at once. The processes are replaced one by one,
// under load, and killed.
//   npm run upgrades                                                  one round, not recorded
//   npm run upgrades -- --rounds 20 --results .tmp/upgrades.jsonl     twenty rounds, each written to a file
//   npm run upgrades -- --at-once yes                                 in one deployment: the old processes stand still
//   npm run upgrades -- --pace 4                                      leases are four times as long, for a busy machine
import { atOnceOf, prepare, roundsAt } from "./round.ts"
import { paceOf, runRounds } from "../rounds/command.ts"

const pace = paceOf()
const atOnce = atOnceOf()

await runRounds({
  name: "upgrades",
  options: ["pace", "at-once"],
  runWith: { pace, atOnce },
  prepare,
  round: roundsAt(pace, atOnce)
})
