import { hostname } from "node:os"
import { pid } from "node:process"

/** Where this process runs, as an operator can find it. */
export const thisProcess = (): { readonly host: string; readonly pid: number } => ({ host: hostname(), pid })
