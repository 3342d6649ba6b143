package main

import (
	"fmt"

	"tegata/internal/ceremony"
)

// partyTerminal is a terminal in the file of a party: where it stands. Its key comes from
// its certificate, which names it.
type partyTerminal struct {
	ID      string        `json:"id"`
	Place   ceremony.Text `json:"place"`
	Address ceremony.Text `json:"address"`
}

// registeredTerminals joins the terminals of a registration with their certificates: each
// has one, and each certificate is of one of them.
func registeredTerminals(all []partyTerminal, certificates []string) ([]ceremony.RegisteredTerminal, error) {
	keys := map[string]string{}
	for _, path := range certificates {
		chain, err := readChain(path)
		if err != nil || len(chain) == 0 {
			return nil, fmt.Errorf("%s: not a PEM certificate: %v", path, err)
		}
		id, ok := ceremony.PartyOf(chain[0])
		if !ok || keys[id] != "" {
			return nil, fmt.Errorf("%s names no terminal, or one that another certificate names too", path)
		}
		keys[id] = ceremony.KeyID(chain[0])
	}
	var out []ceremony.RegisteredTerminal
	for _, t := range all {
		key := keys[t.ID]
		if key == "" {
			return nil, fmt.Errorf("no certificate is given for the terminal %q, or it is there twice", t.ID)
		}
		delete(keys, t.ID)
		out = append(out, ceremony.RegisteredTerminal{ID: t.ID, Place: t.Place, Address: t.Address, Key: key})
	}
	for id := range keys {
		return nil, fmt.Errorf("the registration has no terminal %q", id)
	}
	return out, nil
}
