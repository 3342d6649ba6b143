// Package rack is the sandbox's rack of ID cards: the `cards` role, the one
// writer of their state.
//
// It owns a box of virtual cards, making blank ones, writing certificates into
// them, and holding one to a reader or taking it away. What a card answers is
// package card's; which reader is where, and who lives where, is the callers'.
//
// The card's first secrets are chosen here, as the person chooses them at the
// municipality's desk, and go into the sandbox's secrets file and the card; they
// are in no message of this door.
//
// # Trust
//
// Callers hold the sandbox operator's token: they may make cards and hold any
// card to any reader on this machine, as somebody who has the rack on the table
// may. The role does not exist in production.
package rack
