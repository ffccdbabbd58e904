// All addresses are relative, so that the page works on every host and under every path.
const TOKEN = "sessions-api-token";

// sessionStorage is deleted when the tab closes, and other tabs cannot read it.
const keepToken = {
  statePlugins: {
    auth: {
      wrapActions: {
        authorize: (authorize) => (payload) => {
          sessionStorage.setItem(TOKEN, payload.token.value);
          return authorize(payload);
        },
        logout: (logout) => (names) => {
          sessionStorage.removeItem(TOKEN);
          return logout(names);
        },
      },
    },
  },
};

const parts = (request) => {
  const body = request.get("body");
  return {
    method: request.get("method"),
    url: request.get("url"),
    headers: request.get("headers")?.toJS() ?? {},
    body: body ? JSON.parse(body) : undefined,
  };
};

const indented = (value) => JSON.stringify(value, null, 2).replaceAll("\n", "\n  ");

const javascript = (request) => {
  const { method, url, headers, body } = parts(request);
  const lines = [`  method: ${JSON.stringify(method)},`, `  headers: ${indented(headers)},`];
  if (body) lines.push(`  body: JSON.stringify(${indented(body)}),`);
  return `const response = await fetch(${JSON.stringify(url)}, {\n${lines.join("\n")}\n});\nconst result = await response.json();`;
};

// Python writes None, True and False for JSON's null, true and false.
const literal = (value, indent = "    ") => {
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value !== "object") return JSON.stringify(value);
  const deeper = `${indent}    `;
  const [open, close] = Array.isArray(value) ? "[]" : "{}";
  const items = Object.entries(value).map(
    ([key, item]) => `${deeper}${Array.isArray(value) ? "" : `${JSON.stringify(key)}: `}${literal(item, deeper)},\n`,
  );
  return items.length ? `${open}\n${items.join("")}${indent}${close}` : open + close;
};

const python = (request) => {
  const { method, url, headers, body } = parts(request);
  const lines = [JSON.stringify(method), JSON.stringify(url), `headers=${literal(headers)}`];
  if (body) lines.push(`json=${literal(body)}`);
  return `import httpx\n\nresponse = httpx.request(\n    ${lines.join(",\n    ")},\n)\nresult = response.json()`;
};

const snippets = {
  fn: { requestSnippetGenerator_javascript: javascript, requestSnippetGenerator_python: python },
};

const ui = SwaggerUIBundle({
  url: new URL("openapi.json", document.baseURI).href,
  dom_id: "#page",
  deepLinking: true,
  displayRequestDuration: true,
  validatorUrl: null, // send requests only to the API, not to Swagger's validator
  plugins: [keepToken, snippets],
  requestSnippetsEnabled: true,
  requestSnippets: {
    generators: {
      curl_bash: { title: "curl", syntax: "bash" },
      javascript: { title: "JavaScript", syntax: "javascript" },
      python: { title: "Python", syntax: "javascript" },
    },
    languages: ["curl_bash", "javascript", "python"], // without PowerShell and cmd
  },
  onComplete: () => {
    const kept = sessionStorage.getItem(TOKEN);
    if (kept) ui.preauthorizeApiKey("token", kept);
  },
});
