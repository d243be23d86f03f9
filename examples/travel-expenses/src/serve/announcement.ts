/** What the program says when it serves. */
import { people } from "./people.ts"

/** What was executed, and where it is served. */
interface Served {
  readonly url: string
  readonly rows: number
  /** The number of rows of the log. */
  readonly of: number
  readonly accepted: number
  readonly budget: string
  readonly declaration: string | undefined
}

const graphql = JSON.stringify({ query: "{ declarations(first: 3) { totalCount nodes { key status } } }" })

/** The text that is printed when the server listens. */
export const announcement = ({ accepted, budget, declaration = "declaration-1", of, rows, url }: Served): string => {
  const lines = [
    `${rows} of the log's ${of} rows executed, ${accepted} accepted`,
    "",
    `${url} serves`,
    "  /              the declarations, live",
    "  /docs          the API, to read and to try",
    "  /openapi.json  its OpenAPI document",
    "  /graphql       the same as GraphQL; as WebSocket, /graphql/ws",
    "  /health        whether all is well",
    "  /metrics       numbers for operators: ask as the controller",
    "",
    "Who may ask, by token:",
    ...people.map(
      ({ name, role, token }) =>
        `  ${token.padEnd(10)} ${name}, ${role}${role === "BUDGET OWNER" ? ` of ${budget}` : ""}`
    ),
    "",
    "Try:",
    `  curl -H 'authorization: Bearer demo-emma' '${url}/views/Declarations/${declaration}'`,
    `  curl -N -H 'authorization: Bearer demo-emma' '${url}/live/Declarations?limit=3'`,
    `  curl -H 'authorization: Bearer demo-emma' --json '${graphql}' ${url}/graphql`,
    ""
  ]
  return lines.join("\n")
}
