package sandbox

import (
	_ "embed"
	"encoding/json"
	"fmt"
)

//go:embed agents.json
var agentsJSON []byte

// Agent is a resident who works at the helpdesk.
type Agent struct {
	ID       string `json:"id"`       // the pseudonym by which histories name them
	Resident string `json:"resident"` // id of the resident, and of the card
}

// Agents is the roster of the sandbox's helpdesk.
func Agents() ([]Agent, error) {
	var file struct {
		Helpdesk []Agent `json:"helpdesk"`
	}
	if err := json.Unmarshal(agentsJSON, &file); err != nil {
		return nil, fmt.Errorf("sandbox: agents.json: %w", err)
	}
	return file.Helpdesk, nil
}
