// Shows the schema. Everything that would talk to another site is off; the page's
// Content-Security-Policy would not let it either.
const place = document.getElementById("reference");

Scalar.createApiReference(place, {
  url: place.dataset.schema,
  withDefaultFonts: false,
  telemetry: false,
  hideClientButton: true,
  showDeveloperTools: "never",
  orderSchemaPropertiesBy: "preserve",
  documentDownloadType: "none",
  agent: { disabled: true },
  mcp: { disabled: true },
  defaultHttpClient: { targetKey: "shell", clientKey: "curl" },
});
