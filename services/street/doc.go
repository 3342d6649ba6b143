// Package street is the sandbox's start page: what one can do here, what just
// happened, and how to break it.
//
// It owns the pages that belong to nobody in particular: the progress while the
// neighbourhood is made, the tour, the rack of cards and the act of holding one
// to a reader, the mailboxes of the second channel, the list of what works, the
// trace, and the controls that break things. It keeps no state but a bounded
// ring of trace events in memory. Everything it does to others it does over
// HTTP, as a stranger with the operator token: the cards hold cards, the phones
// phones, the issuer its responder. Making the neighbourhood is left to
// package sandbox and cmd, which report progress through Config.
//
// There is no street in production: cmd refuses the role outside a sandbox.
//
// # Trust
//
// Whoever opens the street may see the invented people's secrets and turn the
// clock: it listens on loopback only and answers its own host names only. The
// operator token never reaches a page. Browsers are not trusted with addresses:
// a reader must be one of this neighbourhood's, and the way back from the hold
// page leads only to a phone or a terminal of this neighbourhood. Trace events
// come from roles that hold the token; their text is escaped, cut to size, and
// commands that carry a secret to a card are blanked once more.
package street
