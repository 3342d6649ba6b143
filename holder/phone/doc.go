// Package phone is the smartphone as its holder uses it: registering from a
// card, seeing what is asked and agreeing or not, checking in, and giving it up.
//
// It owns the phone's side of every protocol, the order in which steps are
// written down before they are taken, the rules for choosing secrets, the
// history, and the phone's settings. Keys and what may be signed with them are
// package element's; a card is reached only through a tap (package reader) as a
// terminal sees it (package eid); messages to the authority are issuer/ra's,
// requests and answers internal/ceremony's. Its pages are in package pages.
//
// # Trust
//
// Whoever operates this process holds the phone. Secrets pass through it to the
// element or the card within one call and are kept nowhere. An asking party is
// believed for nothing: what is shown comes from its registration, signed by a
// verifier whose certificate leads to the ops authority and names the address
// that the request came from. The authority's answers are believed for what they
// say about a registration; certificates from it must be of the element's keys.
package phone
