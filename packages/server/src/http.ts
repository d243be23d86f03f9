export * as Http from "./http/Http.ts"
export * as HttpCors from "./http/HttpCors.ts"
export * as HttpOperations from "./http/HttpOperations.ts"
export * as HttpShutdown from "./http/HttpShutdown.ts"
