package main

import (
	"embed"
	"net/http"

	"tegata/internal/httpd"
)

// openapiFiles are the descriptions (OpenAPI 3.1) of what each role answers to strangers.
// A test holds them against the running roles, in both directions.
//
//go:embed openapi/*.yaml
var openapiFiles embed.FS

// openapiPath is where a role has its own.
const openapiPath = "/openapi.yaml"

// openapiOf is the description of a role.
func openapiOf(role string) []byte {
	text, err := openapiFiles.ReadFile("openapi/" + role + ".yaml")
	if err != nil { // it is built in
		panic(err)
	}
	return text
}

// withOpenAPI adds GET /openapi.yaml. The media type is RFC 9512's.
func withOpenAPI(mux httpd.Registrar, role string) {
	text := openapiOf(role)
	mux.HandleFunc("GET "+openapiPath, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/yaml")
		w.Header().Set("Cache-Control", "public, max-age=300")
		w.Write(text) // the caller is gone when this fails
	})
}
