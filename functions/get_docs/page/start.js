// Addresses are relative, so that the page works wherever the API is.
SwaggerUIBundle({
  url: new URL("openapi.json", document.baseURI).href,
  dom_id: "#page",
  deepLinking: true,
  displayRequestDuration: true,
  validatorUrl: null, // nothing leaves this page but requests to the API
});
