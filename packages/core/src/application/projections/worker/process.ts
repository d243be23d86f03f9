import * as Context from "effect/Context"
import { storable } from "../../../domain/texts.ts"

/**
 * The process in which a projection runs, as an operator can find it. What is not
 * known is left out. The stores on Postgres say it; to say it yourself, or for other
 * stores, provide it where the projections run.
 *
 * @example
 * ```ts
 * import { Projection, View } from "@hexfold/core"
 * import { Effect } from "effect"
 *
 * declare const AccountSummary: View.Any
 *
 * const program = Projection.run(AccountSummary).pipe(
 *   Effect.provideService(Projection.Process, { host: "web-1", pid: 4711, application: "billing" })
 * )
 * ```
 */
export interface Process {
  /** The name of the machine, or of the container. */
  readonly host?: string
  /** The number of the process on its machine. */
  readonly pid?: number
  /** The name of the application. */
  readonly application?: string
}

/** The process in which projections run. Nothing of it is known by default. */
export const Process: Context.Reference<Process> = Context.Reference<Process>("@hexfold/core/Process", {
  defaultValue: () => ({})
})

/** An owner of a view, or of a part of it. */
export interface Owner extends Process {
  /** The name by which the store knows the owner. No other owner has the same. */
  readonly name: string
}

/**
 * The name of an owner: `billing@web-1:4711#` and an id of its own. It says where the
 * projection runs wherever the name is shown, also in the tables of a store.
 */
export const nameOf = ({ application, host, pid }: Process, id: string): string => {
  const isKnown = application !== undefined || host !== undefined || pid !== undefined
  if (!isKnown) return id
  const by = application === undefined ? "" : `${escaped(application)}@`
  return `${by}${escaped(host ?? "")}${pid === undefined ? "" : `:${pid}`}#${id}`
}

/** What the name of an owner says. A name of another form is only a name. */
export const ownerOf = (name: string): Owner => {
  const [, application, host = "", pid] = form.exec(name) ?? []
  return {
    name,
    ...(application === undefined ? {} : { application: plain(application) }),
    ...(host === "" ? {} : { host: plain(host) }),
    ...(pid === undefined ? {} : { pid: Number(pid) })
  }
}

const form = /^(?:([^@:#]*)@)?([^@:#]*)(?::(\d{1,15}))?#/

// Only what the form needs, so that a name stays readable.
const escaped = (text: string): string => storable(text, mostCharacters).replace(/[%@:#]/g, encodeURIComponent)

const plain = (text: string): string => text.replace(/%(?:25|40|3A|23)/g, decodeURIComponent)

const mostCharacters = 200
