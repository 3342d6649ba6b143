package helpdesk

import (
	_ "embed"
	"encoding/json"
	"fmt"

	"tegata/internal/problem"
	"tegata/internal/ui"
)

// codesJSON is every problem that a party of ours can answer with, as docs/errors.md
// lists them; both are written from the source by one test (cmd/tegata).
//
//go:embed codes.json
var codesJSON []byte

// Meaning is what a code says to a person: what happened, and the way on.
type Meaning struct {
	Kind   problem.Kind
	Title  ui.Text
	Detail ui.Text
}

// Codes is the catalogue of codes.
type Codes map[string]Meaning

// OpenCodes reads the catalogue.
func OpenCodes() (Codes, error) {
	var file map[string]struct {
		Kind problem.Kind `json:"kind"`
		JA   [2]string    `json:"ja"`
		EN   [2]string    `json:"en"`
	}
	if err := json.Unmarshal(codesJSON, &file); err != nil {
		return nil, fmt.Errorf("helpdesk: codes.json: %w", err)
	}
	all := Codes{}
	for code, c := range file {
		all[code] = Meaning{Kind: c.Kind, Title: ui.Text{JA: c.JA[0], EN: c.EN[0]}, Detail: ui.Text{JA: c.JA[1], EN: c.EN[1]}}
	}
	return all, nil
}
