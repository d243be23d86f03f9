export * as Http from "./http/Http.ts"
