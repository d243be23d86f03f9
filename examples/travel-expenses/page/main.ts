/** The declarations, live: a program of the browser that asks the API with the domain's own declarations. */
import { Remote } from "@hexfold/client"
import { Query } from "@hexfold/core"
import { Effect, Layer, ManagedRuntime, Stream, SubscriptionRef } from "effect"
import { Status } from "../src/Declaration.ts"
import { people } from "../src/serve/people.ts"
import { Declarations } from "../src/views.ts"
import { actions, explained, type Failure, type Row, submit } from "./actions.ts"
import { watchedFetch } from "./connection.ts"
import { drawing } from "./table.ts"

const select = (id: string) => document.querySelector<HTMLSelectElement>(`#${id}`)!
const input = (id: string) => document.querySelector<HTMLInputElement>(`#${id}`)!
const [connection, outcome] = [document.querySelector("output")!, document.querySelector<HTMLElement>("#outcome")!]

const say = (element: HTMLElement, state: string, text: string): void => {
  element.dataset["state"] = state
  element.textContent = text
}

// What the reader can choose.

const orders = new Map<string, readonly ["since" | "cents", "asc" | "desc"]>([
  ["newest first", ["since", "desc"]],
  ["oldest first", ["since", "asc"]],
  ["largest first", ["cents", "desc"]]
])
for (const { name, role } of people) select("person").add(new Option(`${name}, ${role}`, name))
for (const status of ["all", ...Status.literals.slice(1)]) select("status").add(new Option(status))
for (const order of orders.keys()) select("order").add(new Option(order))

const person = () => people.find(({ name }) => name === select("person").value)!

const question = () => {
  const status = Status.literals.find((each) => each === select("status").value)
  return Query.from(Declarations, {
    ...(status === undefined ? {} : { where: { status } }),
    orderBy: [orders.get(select("order").value)!],
    limit: 50
  })
}

// The API. The token is asked for with each request, so another person, or a renewed token, needs no new connection.
const api = ManagedRuntime.make(
  Remote.layer({
    url: location.origin,
    headers: Effect.sync(() => ({ authorization: `Bearer ${person().token}` }))
  }).pipe(Layer.provide(watchedFetch((state) => say(connection, state, state))))
)

// Commands.

/** Executes something while its button cannot be pressed again, and says what came of it. */
const run = (what: string, button: HTMLButtonElement, execution: Effect.Effect<unknown, Failure, Remote.Remote>) => {
  button.disabled = true
  say(outcome, "running", `${what} …`)
  const told = Effect.match(execution, {
    onSuccess: () => say(outcome, "done", `${what}: done`),
    onFailure: (failure) => say(outcome, "failed", `${what}: ${explained(failure)} (${failure._tag})`)
  })
  api.runFork(
    Effect.ensuring(
      told,
      Effect.sync(() => (button.disabled = false))
    )
  )
}

let shown = new Map<string, Row>()

const table = drawing(document.querySelector("#rows")!, (key) =>
  actions[person().role].map(({ execute, label }) => {
    const button = document.createElement("button")
    button.textContent = label
    button.addEventListener("click", () => run(`${label} ${key}`, button, execute(shown.get(key)!)))
    return button
  })
)

document.querySelector("#claim")!.addEventListener("submit", (event) => {
  event.preventDefault()
  const key = `declaration-${crypto.randomUUID().slice(0, 8)}`
  const claim = { cents: Math.round(input("euros").valueAsNumber * 100), budget: input("budget").value }
  run(`Submit ${key}`, document.querySelector("#claim button")!, submit(key, claim))
})

// The rows: the live results of the question that is asked at present.

const show = ({ rows }: { readonly rows: ReadonlyArray<Row> }): void => {
  shown = new Map(rows.map((row) => [row.key, row]))
  if (input("budget").value === "") input("budget").value = rows[0]?.state.budget ?? ""
  table.draw(rows)
}

const program = Effect.gen(function* () {
  const asked = yield* SubscriptionRef.make(question())
  document.querySelector("#choices")!.addEventListener("change", () => {
    table.clear()
    api.runFork(SubscriptionRef.set(asked, question()))
  })
  yield* SubscriptionRef.changes(asked).pipe(
    Stream.switchMap((query) =>
      Remote.live(Declarations, query).pipe(
        Stream.tap((page) => Effect.sync(() => show(page))),
        // The client comes again by itself when a connection ends. What the API refuses needs another question.
        Stream.catchTag("RemoteError", ({ message }) =>
          Stream.fromEffectDrain(Effect.sync(() => say(connection, "refused", message)))
        )
      )
    ),
    Stream.runDrain
  )
})

api.runFork(program)
