// The settings of the client generator orval: the OpenAPI document, and the address of the API under test.
import { defineConfig } from "orval";

export default defineConfig({
  sessions: {
    input: { target: process.env.DOCUMENT! },
    output: { target: "generated/orval/api.ts", client: "fetch", baseUrl: process.env.API! },
  },
});
