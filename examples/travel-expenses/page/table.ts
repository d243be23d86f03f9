/** The rows of a table that changes. A row that stays keeps its element, so a button keeps the focus. */
import { DateTime } from "effect"
import type { Row } from "./actions.ts"

const euros = new Intl.NumberFormat("en", { style: "currency", currency: "EUR" })

const textsOf = ({ key, state: { budget, cents, since, status } }: Row): ReadonlyArray<string> => [
  key,
  status,
  euros.format(cents / 100),
  budget,
  DateTime.formatIso(since).slice(0, 10)
]

/** Draws rows: `buttonsOf` gives the buttons of a row that is new in the table. */
export const drawing = (body: Element, buttonsOf: (key: string) => ReadonlyArray<HTMLButtonElement>) => {
  const drawn = new Map<string, HTMLTableRowElement>()
  let isFirst = true
  const made = (key: string): HTMLTableRowElement => {
    const element = document.createElement("tr")
    for (let i = 0; i < 5; i++) element.append(document.createElement("td"))
    const last = document.createElement("td")
    last.append(...buttonsOf(key))
    element.append(last)
    drawn.set(key, element)
    return element
  }
  const fill = (element: HTMLTableRowElement, row: Row): void => {
    let isChanged = false
    for (const [i, text] of textsOf(row).entries()) {
      const cell = element.cells[i]!
      if (cell.textContent === text) continue
      cell.textContent = text
      isChanged = true
    }
    element.classList.toggle("changed", isChanged && !isFirst)
  }
  return {
    draw: (rows: ReadonlyArray<Row>): void => {
      const keys = new Set(rows.map(({ key }) => key))
      for (const [key, element] of drawn) {
        if (keys.has(key)) continue
        element.remove()
        drawn.delete(key)
      }
      for (const [i, row] of rows.entries()) {
        const element = drawn.get(row.key) ?? made(row.key)
        fill(element, row)
        if (body.children[i] !== element) body.insertBefore(element, body.children[i] ?? null)
      }
      isFirst = false
    },
    clear: (): void => {
      body.replaceChildren()
      drawn.clear()
      isFirst = true
    }
  }
}
