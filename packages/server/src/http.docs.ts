export * as HttpDocs from "./http/HttpDocs.ts"
