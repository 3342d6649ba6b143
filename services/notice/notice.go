// Package notice is a letter of a service to a person, in both languages, and the outbox in
// which it waits for whoever delivers it.
//
// It owns the words of the wire; what is written, to whom and when is the service's, and a
// store of its keeps it.
//
// # Trust
//
// A letter goes where the service knew the person to be. Whoever reads the outbox reads all
// of it, so who may is for the caller of Outbox to see to.
package notice

import (
	"context"
	"net/http"
	"time"

	"tegata/internal/httpd"
)

// Words are one language of a letter: a paragraph a line.
type Words struct {
	Title string `json:"title"`
	Body  string `json:"body"`
}

// Letter is what a person is told.
type Letter struct {
	Kind string `json:"kind"`
	JA   Words  `json:"ja"`
	EN   Words  `json:"en"`
}

// New is a letter of a kind: title and body, in Japanese and in English.
func New(kind, ja, jaBody, en, enBody string) Letter {
	return Letter{Kind: kind, JA: Words{ja, jaBody}, EN: Words{en, enBody}}
}

// Channels by which letters are delivered.
const (
	Mail = "mail"
	Post = "post" // on paper, to a postal address
)

// To is where a letter goes.
type To struct {
	Channel string `json:"channel"` // one of the channels
	Address string `json:"address"`
}

// Notice is a letter in the outbox.
type Notice struct {
	ID string    `json:"id"`
	At time.Time `json:"at"`
	To To        `json:"to"`
	Letter
}

// page is how many letters one answer has.
const page = 100

// Outbox answers GET /v1/outbox?after=ID with letters after the one of an ID, the oldest
// first, as read reads them.
func Outbox(read func(ctx context.Context, after string, most int) ([]Notice, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		all, err := read(r.Context(), r.URL.Query().Get("after"), page)
		if err != nil {
			httpd.WriteProblem(w, r, err)
			return
		}
		if all == nil {
			all = []Notice{}
		}
		httpd.WriteJSON(w, http.StatusOK, struct {
			Notices []Notice `json:"notices"`
		}{all})
	})
}
