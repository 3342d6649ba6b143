// Package reader is a tap: bytes of commands one way and of answers the other,
// from the moment a card or a phone is held to a terminal until it is taken
// away.
//
// It owns the vpcd protocol in both directions and the PC/SC side of a terminal.
// A Reader is a terminal's slot on a port of its own: the card dials it, and
// hanging up is taking the card away. Serve and Insert are the card's side, and
// work against the vpcd driver of a system's pcscd just as well, where any PC/SC
// program meets our card. What the commands mean is left to packages card and
// eid.
//
// Standard: the protocol of vsmartcard's virtual reader: messages of a 16-bit
// big-endian length and that many bytes; towards the card 00 power off, 01 power
// on, 02 reset, 04 "answer to reset?", anything else a command APDU.
//
// # Trust
//
// Neither side trusts the other with anything but its bytes: a message is at
// most 65535 bytes, an answer that nobody asked for ends the tap. The protocol
// has no authentication: a Reader listens on the loopback interface, and what
// must be secret on the way is a matter of the applications, as with real cards.
package reader
