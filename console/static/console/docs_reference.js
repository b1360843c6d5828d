// The reference, with the key that the person has filled in in this tab. Everything that would talk
// to another site is off; the page's policy would not let it either.
const place = document.getElementById("reference");
const key = sessionStorage.getItem("docs-api-key") ?? "";
const schema = await (await fetch(place.dataset.schema)).json();
const schemes = schema.components?.securitySchemes ?? {};

function filled(scheme) {
  return scheme.type === "http" ? { token: key } : { value: key };
}

Scalar.createApiReference(place, {
  content: schema,
  withDefaultFonts: false,
  telemetry: false,
  hideClientButton: true,
  showDeveloperTools: "never",
  orderSchemaPropertiesBy: "preserve",
  documentDownloadType: "none",
  agent: { disabled: true },
  mcp: { disabled: true },
  defaultHttpClient: { targetKey: "shell", clientKey: "curl" },
  // Not into localStorage, which would outlive the tab.
  persistAuth: false,
  authentication: {
    preferredSecurityScheme: Object.keys(schemes)[0],
    securitySchemes: Object.fromEntries(
      Object.entries(schemes).map(([name, scheme]) => [name, key ? filled(scheme) : {}]),
    ),
  },
});
