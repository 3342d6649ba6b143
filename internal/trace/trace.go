// Package trace is how the sandbox shows a person what just happened: which
// message went from whom to whom, in words, with the line that checks it.
//
// It owns the shape of an event and the nil-safe Sink. Where events go (the
// street's page) is decided by cmd; in production there is no sink at all.
//
// # Trust
//
// Whoever reads the trace sees personal data of the sandbox's invented people.
// Secrets must not be put into an event by its maker: APDU data of VERIFY and
// CHANGE REFERENCE DATA is blanked by the card and the reader before it gets
// here.
package trace

import (
	"context"
	"time"
)

// Event is one message or step, told for a person.
type Event struct {
	At      time.Time         `json:"at"`
	From    string            `json:"from"` // role that sent or acted
	To      string            `json:"to"`   // role that received; empty for a step of From alone
	Kind    string            `json:"kind"` // "apdu", "http", "certificate", "status", "verdict" …
	TitleJA string            `json:"title_ja"`
	TitleEN string            `json:"title_en"`
	Detail  map[string]string `json:"detail,omitempty"` // shown as a table, secrets blanked
	PEM     string            `json:"pem,omitempty"`    // a certificate, CRL or answer in the event
	Check   string            `json:"check,omitempty"`  // the openssl line that checks PEM
}

// Sink receives events. A nil Sink drops them.
type Sink func(context.Context, Event)

// Note hands e to the sink, if there is one.
func (s Sink) Note(ctx context.Context, e Event) {
	if s != nil {
		s(ctx, e)
	}
}
