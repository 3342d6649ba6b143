// Package desk is a place where staff of a party work: a browser, and a card reader
// with a key pad beside it. Whoever sits down presses "enter with the card", puts the
// own ID card to the reader and types there the number that the browser shows, and the
// PIN; while the card lies in the reader, that browser is theirs.
//
// It owns the reader, the browsers that wait and the one session that a desk has, the challenge
// that the card signs, and what ends a session: the card taken away, 15 minutes without
// a press, a certificate that is not good any more, a name struck off the roster. Who is
// staff, and whose a card is, it asks its party (Roster, Whose); what the staff may do
// is the party's matter too.
//
// Entries and session live in memory: a process that ends hangs up on the card, so no
// session could outlast it.
//
// # Trust
//
// The browser is believed for nothing but its cookie, of which a hash is kept. Anybody's
// may wait: its pages are where others' are. A card opens that one alone whose number was
// typed beside it, which its holder reads off the screen in front of them. The card
// is believed for what its key signs: the challenge names this desk, the moment and a
// fresh number, the certificate has a path under the given authorities and is good at
// its responder. What cannot be checked lets nobody in. The PIN is typed at the reader's
// own key pad (holder/reader); there is no way by which it could come here.
package desk
