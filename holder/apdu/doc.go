// Package apdu is the language between a terminal and a card: commands,
// responses, status words and BER-TLV, as bytes and as values.
//
// It owns the encoding and the meaning of a status word in our words. It
// leaves to card and eid which commands exist and who may send them. The
// identifiers of the JPKI application, which both sides of the wire need, are
// here too (jpki.go).
//
// Standard: ISO/IEC 7816-4:2020, clauses 5.1 (command-response pairs), 5.6
// (status words) and 6.3 (BER-TLV, ISO/IEC 8825-1).
//
// # Trust
//
// Nobody: every byte may come from a stranger's terminal or card. Decoding
// never panics and never keeps more memory than a small multiple of its input.
// A command that carries a secret prints without its data.
package apdu
