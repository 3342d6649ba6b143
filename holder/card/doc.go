// Package card is the virtual ID card: its files, its PIN counters, its two
// private keys and the interpreter of its commands.
//
// It owns the card's behaviour at the level of command and response, and the
// card at rest: one sealed state with one writer. It has the card level and the
// JPKI application (公的個人認証); an application is a value of type Application
// or a table of files (files.go), so that the card's other four follow as tables.
// The phone's element embeds the same interpreter (Embed). It leaves to package
// reader how bytes reach it, to eid what a terminal makes of the answers, and to
// the authority what a certificate says.
//
// Standard: ISO/IEC 7816-4 and JICSAP 2.0 as the Individual Number Card is
// publicly documented to apply them; answers that no public document settles
// are marked "assumption" where they are given.
//
// # Trust
//
// A terminal is not trusted: it may send any bytes, and power may go at any
// moment. Private keys leave by no command. A try is written down before the
// secret is compared, so that a pulled plug costs a try and never gives one.
// Whoever reads the sealed state together with its key file has the private
// keys: this is software playing a chip.
package card
