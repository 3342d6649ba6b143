// Package audit says who did something.
//
// It owns the Actor that every state change carries. Writing the record, and
// chaining it so that a missing record is noticed, is done by package store in
// the transaction of the step itself: a step whose record cannot be written has
// not happened.
//
// # Trust
//
// An Actor is a claim by the code that makes it: it is built once, where a
// caller was authenticated, and only passed on after that.
package audit

import "log/slog"

// Actor is who did it.
type Actor struct {
	Party string // the role that acted: "phone", "issuer", "municipality", "portal" …
	Kind  string // "person", "party" or "system"
	ID    string // a random holder or party id; never a name, never a number of the register
}

// System is an Actor for work that a role does by itself, such as ending an
// application that nobody finished.
func System(party string) Actor { return Actor{Party: party, Kind: "system", ID: party} }

// LogValue lets an Actor be a log attribute.
func (a Actor) LogValue() slog.Value {
	return slog.GroupValue(slog.String("party", a.Party), slog.String("kind", a.Kind), slog.String("id", a.ID))
}
